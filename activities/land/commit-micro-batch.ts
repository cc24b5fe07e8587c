import type { Offsets } from '../../model/ranges';
import type { BatchIdentity, BatchManifest, OrdersLake, OrdersTopic } from '../interfaces';

export interface CommitInput extends BatchIdentity {
  manifest: BatchManifest;
  /** Offsets to read after this batch, for all partitions. */
  next: Offsets;
}

/**
 * Writes the batch's ledger entry, then sets the consumer group's offsets for lag tools.
 *
 * Idempotency key: (sequence, ranges). An entry that is there with these ranges is success, so a retry after a crash
 * between the two goes on with the group. LastingFailure LandingConflict where another landing took the sequence.
 */
export function createCommitMicroBatch(deps: { topic: OrdersTopic; lake: OrdersLake }) {
  return async function commitMicroBatch({
    sequence,
    ranges,
    manifest,
    next,
  }: CommitInput): Promise<{ sequence: number }> {
    await deps.lake.commit({ sequence, ranges, next, ...manifest });
    await deps.topic.commitGroupOffsets(next);
    return { sequence };
  };
}
