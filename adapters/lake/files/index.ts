/** Names of the lake's files, each a function of what it holds. */
export {
  ASIDE_DIRECTORY,
  BEGINNING,
  canonicalRanges,
  checkpointName,
  CHECKPOINTS,
  DATE_DIRECTORY,
  dateDirectory,
  dateOf,
  entryName,
  hiddenMergedName,
  hiddenName,
  ID_FILE,
  isHidden,
  isMarker,
  isPartPath,
  markerName,
  mergedName,
  partName,
  rangeOfSegment,
  segmentName,
  SEGMENTS,
  sequenceOfCheckpoint,
  sequenceOfEntry,
  sequenceOfPart,
} from './layout';
export { allParts, dateDirectories, partsOf } from './part-files';
export { sha256 } from './sha256';
