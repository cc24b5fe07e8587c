/** Names of the lake's files, each a function of what it holds. */
export {
  ASIDE_FOLDER,
  BEGINNING,
  canonicalRanges,
  DATE_FOLDER,
  dateFolder,
  entryName,
  hiddenName,
  ID_FILE,
  isHidden,
  partName,
  sequenceOfEntry,
  sequenceOfPart,
} from './layout';
export { allParts, dateFolders, type PartFile, partsOf } from './part-files';
export { sha256 } from './sha256';
