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
export {
  addToBatches,
  type Batch,
  type LedgerStep,
  presentBatches,
  readBatches,
  walkLedger,
} from './ledger-walk';
export { Patrol } from './patrol';
export { refuseShortened, setAside, shortened } from './shortened';
