/** The door for readers: what is in a lake, by its ledger and by its files. Reads only. */
export {
  BEGINNING,
  canonicalRanges,
  DATE_DIRECTORY,
  dateDirectories,
  ID_FILE,
  hiddenName,
  partsOf,
  sequenceOfEntry,
  sequenceOfPart,
} from '../files';
export { isTemporary, LEDGER_DIRECTORY, openStorage } from '../storage';
export {
  addToBatches,
  type Batch,
  lastEntry,
  type LedgerStep,
  readBatches,
  shortened,
  walkLedger,
} from '../ledger';
export {
  BATCH_SQL,
  quote,
  quoteName,
  readParquet,
  readParquetFooters,
  withDuckDB,
  withScratchDuckDB,
} from './duckdb';
export { type LiveFile, LiveFiles, stillDamaged } from './live-files';
export {
  batchesOf,
  listQuarantine,
  type QuarantinedMessage,
  type QuarantineFilter,
  type QuarantineList,
  showQuarantined,
} from './quarantine-reader';
export { firstCreatedAt, queryLake, summary } from './reader';
export { readParquetRows } from './row-counts';
