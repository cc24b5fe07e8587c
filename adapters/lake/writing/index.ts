/** Parquet files of lake and quarantine, look-ups for duplicates, replays and sweeps. */
export { findLanded, findQuarantined } from './lookup';
export { createOversizedRows } from './oversized-rows';
export { type Compression, encodeRows } from './parquet-writer';
export { encodeQuarantined, quarantineFolder } from './quarantine-writer';
export { completeReplay } from './replay';
export { clearStaging, removeOthers, sweep } from './sweep';
