/** Names and places of the lake's files, and writes that survive a power cut. */
export { codeOf, createDurably, makeFolder, sha256, syncFolder, writeDurably } from './durable-file';
export {
  ASIDE_FOLDER,
  BEGINNING,
  canonicalRanges,
  DATE_FOLDER,
  dateFolder,
  epochName,
  epochOf,
  epochOfRecord,
  foldersOf,
  hiddenName,
  ID_FILE,
  isHidden,
  isTemporary,
  type LakeFolders,
  LEDGER_FOLDER,
  padSequence,
  partName,
  sequenceOfEntry,
  sequenceOfPart,
  sequenceOfTemporary,
  STAGING_FOLDER,
  stagingOf,
} from './layout';
export { allParts, dateFolders, namesIn, type PartFile, partsOf } from './part-files';
export { probeFolder } from './probe';
