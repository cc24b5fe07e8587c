/** The ledger, and which lake it is. */
export { confirm, ensureIdentity, refuseNested } from './identity';
export {
  appendEntry,
  beginning,
  findCommitted,
  hashOfEntry,
  lastEntry,
  readEntry,
  SequenceTaken,
  UnreadableEntry,
} from './ledger';
export { checkpointOf, checkpointsIn, isSame, readCheckpoint } from './checkpoint';
export { checkpointLedger } from './fold-ledger';
export { damagedFile, missingFile } from './damaged-file';
export { LakeLog } from './lake-log';
export { type LedgerStep, walkLedger } from './ledger-walk';
export { apply, type Change, emptyState, liveFile, onlyBatch, PARTS } from './log-state';
export { Patrol } from './patrol';
export { refuseShortened, setAside, shortened } from './shortened';
