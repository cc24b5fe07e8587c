/**
 * The one independent oracle, for tests and torture: nothing of the product takes part but its programs, whose answers are
 * checked. PostgreSQL is read by SQL of its own, files by DuckDB, the ledger as JSON and the topic by kafkajs's decoder.
 *
 * - `violations`: every row of the table is in the files once, or counted, or its workflow says why it stopped.
 * - `checkStructure`: topic, ledger and files, each in itself and with each other.
 * - `compareRows`: source = lake + quarantine, exactly and at this moment.
 */
export { compareRows } from './compare';
export { checkFiles } from './files';
export { look, remember, violations, type Expected, type Subject } from './invariant';
export { checkLedger, effective, readLedger, type Entry } from './ledger';
export { liveFiles } from './live-files';
export { orders } from './orders-command';
export { TABLE, type Snapshot } from './sides';
export { checkStructure } from './structure';
