/** The door for readers: what is in a lake, by its ledger and by its files. Reads only. */
export {
  BEGINNING,
  canonicalRanges,
  checkpointName,
  CHECKPOINTS,
  DATE_DIRECTORY,
  dateDirectories,
  ID_FILE,
  hiddenName,
  partsOf,
  SEGMENTS,
  sequenceOfEntry,
  sequenceOfPath,
} from '../files';
export { isTemporary, LEDGER_DIRECTORY, openStorage } from '../storage';
export {
  apply,
  type Change,
  checkpointOf,
  checkpointsIn,
  emptyState,
  isSame,
  LakeLog,
  lastEntry,
  type LedgerStep,
  onlyBatch,
  readCheckpoint,
  shortened,
  walkLedger,
} from '../ledger';
export { quote, quoteName, readParquet, readParquetFooters, withDuckDB, withScratchDuckDB } from './duckdb';
export { readListed } from './listed';
export { LiveFiles, stillDamaged } from './live-files';
export { batchesAt } from './message-batches';
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
