import { Context } from '@temporalio/activity';
import type { DamagedFile } from '../../domain/damaged';
import { NonRetryableError } from '../../domain/errors';
import { PUBLISH_AGAIN } from '../../domain/data-loss';
import { partitionsIn } from '../../domain/partition-marks';
import type { OffsetRange } from '../../domain/ranges';
import { isOtherTopic } from '../../domain/topic-id';
import type { BatchManifest, KnownLake, LedgerEntry } from '../../ports';
import { processBatch, type Landing } from './process-batch';
import { manifestFor } from './commit-micro-batch';
import type { HighWater } from './duplicates';
import { orGone, withdrawal } from './withdraw-batch';
import { orNone } from '../../domain/or-none';

export interface LandAgainInput {
  epoch: number;
  /** Number of the ledger entry that will supersede the batch's. */
  sequence: number;
  batch: number;
  highWater: HighWater;
  /** The present topic, and its first batch. */
  topicId?: string;
  topicSince?: number;
  /** Partitions of the topic, by what `highWater` is; absent in version 0.3.0, where it could not change. */
  partitions?: number;
  /** Only counts; writes nothing. */
  dryRun: boolean;
  /** Reads nothing from Kafka: keeps what is whole of the batch's files and gives up the rest. */
  withdraw?: boolean;
  /** Files that were found damaged. */
  damaged?: DamagedFile[];
  /** What is known of the lake; absent in versions before 0.4.0. */
  known?: KnownLake;
}

export interface LandAgainResult {
  /** The batch's offsets, as the ledger has them. */
  ranges: OffsetRange[];
  /** Rows that the batch's files hold now. */
  before: { landed: number; quarantined: number };
  manifest: BatchManifest;
  withdrawn?: LedgerEntry['withdrawn'];
}

/**
 * Lands a batch that is in the ledger once more, by today's rules, into files that stay hidden until the batch is superseded.
 *
 * Idempotency key: (sequence, batch). Only the ledger decides which offsets; each attempt writes the same hidden files. All
 * messages are looked up in the files of all other batches, since a copy may have landed later than this batch.
 * NonRetryableError InvalidSettings where the ledger has no such batch, DataLoss where Kafka no longer holds its messages,
 * BatchNotLandable where it still cannot be landed: nothing has changed then.
 */
export function createLandAgain(deps: Landing) {
  return async function landAgain({
    epoch,
    sequence,
    batch,
    highWater,
    dryRun,
    withdraw = false,
    damaged: told = [],
    known,
    partitions,
    topicId,
    topicSince = 1,
  }: LandAgainInput): Promise<LandAgainResult> {
    if (known !== undefined) await deps.lake.confirm(known);
    const entry = await deps.lake.entry(batch);
    if (entry === undefined || entry.supersedes !== undefined || entry.merged !== undefined) {
      const why =
        entry === undefined
          ? 'the ledger has no such batch'
          : entry.merged !== undefined
            ? 'it merged files of others'
            : `it replayed batch ${entry.supersedes}`;
      throw new NonRetryableError('InvalidSettings', `Batch ${batch} cannot be landed again: ${why}.`);
    }
    const ranges = [...entry.ranges];
    const identity = { epoch, sequence: batch, ranges, topicId: entry.topicId ?? topicId };
    // A worker that died between the ledger entry and its answer: what it has done is there to be read.
    const done = await deps.lake.entry(sequence);
    const before = await deps.lake.rowsOf(identity);
    if (done?.supersedes === batch && !dryRun) {
      const { withdrawn } = done;
      const manifest = {
        ...manifestFor(done, partitions ?? partitionsIn(done.next)),
        damaged: orNone(done.damaged),
      };
      return { ranges, before, manifest, withdrawn };
    }
    // Its own files are about to be replaced; of others it is told whether they still are damaged.
    const damaged = told.filter((one) => one.batch !== batch || one.listed === undefined);
    if (withdraw) {
      const { left, withdrawn } = await withdrawal(deps.lake, batch);
      const manifest = { ...left, highWater, damaged: orNone(damaged) };
      return { ranges, before, manifest, withdrawn };
    }
    if (batch < topicSince || isOtherTopic(entry.topicId, topicId)) throw offsetsOfBefore(batch, topicId);
    const manifest = await processBatch(
      deps,
      identity,
      {
        highWater,
        partitions: partitions ?? partitionsIn((await deps.topic.offsets()).stable),
        isReread: () => true,
        batches: { except: batch, topicSince },
        damaged,
      },
      Context.current(),
      dryRun ? undefined : { hiddenFor: sequence },
    ).catch(async (error: unknown) => {
      throw await orGone(error, deps.lake, batch);
    });
    return { ranges, before, manifest };
  };
}

function offsetsOfBefore(batch: number, topicId: string | undefined): NonRetryableError {
  return new NonRetryableError(
    'DataLoss',
    `Batch ${batch} cannot be landed again: the topic was deleted and recreated since (its id is ${topicId}), so these offsets ` +
      `are other messages now. Publish its orders again; those that have landed are dropped: ${PUBLISH_AGAIN}`,
  );
}
