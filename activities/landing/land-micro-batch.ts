import { Context } from '@temporalio/activity';
import type { DamagedFile } from '../../domain/damaged';
import { NonRetryableError } from '../../domain/errors';
import { partitionsIn } from '../../domain/partition-marks';
import type { Offsets } from '../../domain/ranges';
import { NO_METRICS, type BatchManifest, type KnownLake, type Metrics, type OwnedBatch } from '../../ports';
import { processBatch, type Landing } from './process-batch';
import { manifestFor } from './commit-micro-batch';
import type { HighWater } from './duplicates';
import { orNone } from '../../domain/or-none';

export interface LandInput extends OwnedBatch {
  highWater: HighWater;
  /** The furthest offsets that were ever landed: messages before them are read once more, after a reset. */
  reached: Offsets;
  topicSince?: number;
  /** Files that were found damaged. */
  damaged?: DamagedFile[];
  /** What is known of the lake; absent in versions before 0.4.0. */
  known?: KnownLake;
  /** Partitions of the topic when the batch was claimed, fixed so that attempts validate alike; in 0.3.0 those of `reached`. */
  partitions?: number;
}

export interface LandResult extends BatchManifest {
  /** Timestamp of the batch's oldest message, in milliseconds since 1970; absent where none was read now. */
  oldestMessage?: number;
}

/** Each takes some 330 bytes of the result, twice in history, and Temporal refuses a result above 2 MB. */
export const MOST_FILES = 2_000;

/**
 * Offsets bound a batch, but a message may be as large as the topic takes, and a batch holds them all until it is written: 100,000
 * of a megabyte are more than any worker has. A default batch of common rows takes 30 MB.
 */
const MOST_BYTES = 256 * 1024 * 1024;

/**
 * Reads exactly the claimed offsets, validates every message, drops repeats and writes one file per date.
 *
 * Idempotency key: (sequence, ranges). Committed messages of fixed offsets never change, and neither do files of
 * earlier batches, so every attempt comes to the same rows, names and bytes. One that dies leaves at most
 * temporary files, which readers skip, or whole files, which the next attempt finds equal. Two at once write the
 * same bytes under different temporary names. A batch that is committed is not read again; its manifest is in the ledger (a
 * workflow that was reset to an earlier point comes by here). One that wakes up after its landing was replaced finds its
 * epoch closed.
 *
 * NonRetryableError BatchNotLandable, where the workflow commits it as failed; BatchTooWide, where it claims less; DataLoss and LandingConflict, where it stops.
 */
export function createLandMicroBatch(deps: Landing & { metrics?: Metrics | undefined; mostBytes?: number }) {
  const { metrics = NO_METRICS, mostBytes = MOST_BYTES } = deps;
  return async function landMicroBatch({
    epoch,
    sequence,
    ranges,
    highWater,
    reached,
    damaged = [],
    known,
    partitions = partitionsIn(reached),
    topicId,
    topicSince,
  }: LandInput): Promise<LandResult> {
    const begin = Date.now();
    const context = Context.current();
    const batch = { epoch, sequence, ranges, topicId };
    if (known !== undefined) await deps.lake.confirm(known);
    const committed = await deps.lake.findCommitted(batch);
    if (committed !== undefined)
      return { ...manifestFor(committed, partitions), damaged: orNone(committed.damaged) };
    let oldestMessage: number | undefined;
    const manifest = processBatch(
      deps,
      batch,
      {
        highWater,
        partitions,
        isReread: ({ partition, offset }) => offset < BigInt(reached[partition] ?? '0'),
        batches: { before: sequence, topicSince },
        damaged,
        mostBytes,
        onRead: ({ oldest, newest }) => {
          oldestMessage = oldest;
          metrics.observe('orders_freshness_seconds', (begin - newest) / 1000, { part: 'claim' });
        },
      },
      context,
      { again: context.info.attempt > 1, mostFiles: MOST_FILES },
    );
    try {
      return { ...(await manifest), oldestMessage };
    } catch (error) {
      // It has failed now; what this attempt or one before has shown is in no entry, and readers would count it.
      if (error instanceof NonRetryableError && error.type === 'BatchNotLandable')
        await deps.lake.discard(batch);
      throw error;
    }
  };
}
