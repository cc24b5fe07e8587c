import { marksFor, partitionsIn } from '../../domain/partition-marks';
import type { Offsets } from '../../domain/ranges';
import type { Reset } from '../../domain/requests';
import type { BatchManifest, KnownLake, LedgerEntry, OrdersLake, OrdersTopic, OwnedBatch } from '../../ports';
import { orNone } from '../../domain/or-none';

export interface CommitInput extends OwnedBatch {
  manifest: BatchManifest;
  /** Offsets to read after this batch, for all partitions. */
  next: Offsets;
  reached: Offsets;
  topicSince?: number;
  /** Resets since the batch before, for the ledger. */
  resets: Reset<Offsets>[];
  /** Failed batches after this one. Absent in version 0.1.0. */
  unlanded?: number[];
  /** Why this one failed, if it did. */
  parked?: { type: string; message: string };
  /** The batch that was landed again. */
  supersedes?: number;
  /** What of it is given up. */
  withdrawn?: LedgerEntry['withdrawn'];
  /** What is known of the lake, and of its newest entry; absent in versions before 0.4.0. */
  known?: KnownLake;
  previousHash?: string;
}

/**
 * Writes the batch's ledger entry, then sets the consumer group's offsets for lag tools.
 *
 * Idempotency key: (sequence, ranges). An entry that is there with these ranges is success, so a retry after a crash
 * between the two goes on with the group. The entry of a replay first shows its files; that is repeated until it is done. NonRetryableError LandingConflict where another landing took the sequence.
 */
export function createCommitMicroBatch(deps: { topic: OrdersTopic; lake: OrdersLake }) {
  return async function commitMicroBatch({
    epoch,
    sequence,
    ranges,
    manifest,
    next,
    reached,
    resets,
    unlanded = [],
    parked,
    supersedes,
    withdrawn,
    known,
    previousHash,
    topicId,
    topicSince,
  }: CommitInput): Promise<{ sequence: number; entryHash?: string }> {
    if (known !== undefined) await deps.lake.confirm(known);
    const { hash: entryHash } = await deps.lake.commit({
      epoch,
      sequence,
      ranges,
      topicId,
      topicSince,
      next,
      reached,
      resets: orNone(resets),
      unlanded: orNone(unlanded),
      parked,
      supersedes,
      withdrawn,
      damaged: orNone(manifest.damaged),
      previousHash,
      ...manifestOf(manifest),
    });
    await deps.topic.commitGroupOffsets(next);
    return { sequence, entryHash };
  };
}

/** That of a ledger entry, with the high water by the partitions that the topic has now. */
export function manifestFor(entry: BatchManifest & { next: Offsets }, partitions: number): BatchManifest {
  const manifest = manifestOf(entry);
  const made = partitionsIn(entry.next);
  return { ...manifest, highWater: marksFor(manifest.highWater, { made, partitions }) };
}

/**
 * The manifest alone, of a ledger entry or of an activity's result: one that was retried says so in a field of its own,
 * which is no part of the lake's proof.
 */
function manifestOf(from: BatchManifest): BatchManifest {
  const { files, quarantineFiles, counts, newestCreatedAt, highWater } = from;
  return {
    files,
    quarantineFiles,
    counts,
    newestCreatedAt,
    highWater,
  };
}
