import type { Offsets } from '../../model/ranges';
import type { Reset } from '../../model/requests';
import type { BatchIdentity, BatchManifest, OrdersLake, OrdersTopic } from '../interfaces';

export interface CommitInput extends BatchIdentity {
  manifest: BatchManifest;
  /** Offsets to read after this batch, for all partitions. */
  next: Offsets;
  reached: Offsets;
  /** Resets since the batch before, for the ledger. */
  resets: Reset<Offsets>[];
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
    reached,
    resets,
  }: CommitInput): Promise<{ sequence: number }> {
    const why = resets.length === 0 ? {} : { resets };
    await deps.lake.commit({ sequence, ranges, next, reached, ...why, ...onlyManifest(manifest) });
    await deps.topic.commitGroupOffsets(next);
    return { sequence };
  };
}

/** The result of an activity that was retried says so in a field of its own, which is no part of the lake's proof. */
function onlyManifest(manifest: BatchManifest): BatchManifest {
  const { files, quarantineFiles, counts, newestCreatedAt, highWater } = manifest;
  return {
    files,
    quarantineFiles,
    counts,
    ...(newestCreatedAt === undefined ? {} : { newestCreatedAt }),
    highWater,
  };
}
