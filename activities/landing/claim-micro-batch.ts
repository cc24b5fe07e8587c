import { Context } from '@temporalio/activity';
import { landFrom, otherTopic, PUBLISH_AGAIN } from '../../domain/data-loss';
import type { DamagedFile, LakeIdentity } from '../../domain/damaged';
import { NonRetryableError } from '../../domain/errors';
import { areSameTransactions, type OpenTransaction } from '../../domain/open-transaction';
import { lagOf, planRanges } from '../../domain/plan-ranges';
import { REMEMBERED } from '../../domain/requests';
import type { OffsetRange, Offsets } from '../../domain/ranges';
import { isOtherTopic } from '../../domain/topic-id';
import { NO_METRICS, type KnownLake, type Metrics, type OrdersLake, type OrdersTopic } from '../../ports';
import { HoldWatch } from './hold-watch';
import type { Named, Unnamed } from '../name-pipeline';

export interface ClaimInput extends Unnamed {
  next: Offsets;
  /** The topic that they are of; absent before the first claim, and in version 0.2.0. */
  topicId?: string;
  /** What is known of the lake; absent in versions before 0.4.0. */
  known?: KnownLake;
  /** Files of the lake that were found damaged. */
  damaged?: DamagedFile[];
  /** No more offsets than these, because a batch of more had too many dates. */
  atMost?: number;
  /** Transactions of others that were found open. */
  heldBy?: OpenTransaction[];
}

export interface ClaimResult extends Named {
  /** Empty: nothing became readable. */
  ranges: OffsetRange[];
  /** Offsets at or after `next`, the claimed ones and those of open transactions included. */
  lagOffsets: number;
  /** The topic that the ranges are of. */
  topicId?: string;
  /** What the lake is known by. */
  lake?: LakeIdentity;
  /** The files that are damaged now, as far as is known. */
  damaged?: DamagedFile[];
  /** The transactions of others that hold landing back now; absent where that is no news. */
  heldBy?: OpenTransaction[];
  /** Partitions that `next` lacks, and where they begin. */
  added?: Offsets;
}

/** Ends an idle claim, so that history shows a sign of life now and then. */
const LONGEST_CLAIM_MS = 5 * 60_000;

/**
 * Decides which offsets make up the next micro-batch, waiting until there are any.
 *
 * Reads only, so it is idempotent without a key. Its answer becomes a fact by standing in workflow history.
 * NonRetryableError LakeMismatch where the lake is another one, DataLoss where Kafka no longer holds offsets that were not landed,
 * and where they are of a topic that is gone. Returns early where there is news for the status. On the way it looks whether the lake and its files are there.
 */
export function createClaimMicroBatch(deps: {
  topic: OrdersTopic;
  lake: OrdersLake;
  maxOffsets: number;
  waitMs: number;
  stopping: AbortSignal;
  metrics?: Metrics | undefined;
}) {
  const { metrics = NO_METRICS } = deps;
  const watch = new HoldWatch(deps.topic);
  return async function claimMicroBatch({
    next: from,
    topicId: known,
    known: knownLake,
    damaged: before = [],
    atMost = deps.maxOffsets,
    heldBy: heldBefore = [],
  }: ClaimInput): Promise<ClaimResult> {
    const { cancellationSignal: signal, info } = Context.current();
    const deadline = Date.now() + LONGEST_CLAIM_MS;
    for (;;) {
      // Also while there is nothing to land: a lake that is gone is told within seconds.
      const lake = knownLake && (await deps.lake.confirm(knownLake));
      const { earliest, stable, high, topicId = known } = await deps.topic.offsets();
      if (isOtherTopic(known, topicId)) throw otherTopic(known!, topicId, from);
      const added = addedPartitions(from, stable);
      const next = { ...from, ...added };
      refuseGaps(next, earliest);
      const ranges = planRanges(next, stable, Math.min(atMost, deps.maxOffsets));
      const damaged = knownLake === undefined ? before : await patrol(knownLake, before);
      const told = namesOf(damaged) !== namesOf(before);
      const heldBy = await watch.look({ stable, high }, heldBefore);
      const holdChanged = !areSameTransactions(heldBy, heldBefore);
      const isNew = added !== undefined;
      const lagOffsets = lagOf(next, high);
      metrics.set('orders_landing_lag_offsets', lagOffsets);
      if (lagOf(next, stable) === 0)
        metrics.set('orders_landed_through_timestamp_seconds', Date.now() / 1000);
      // After errors it answers at once, so that whoever waits for their end hears of it.
      const ends = Date.now() >= deadline || deps.stopping.aborted || info.attempt > 1;
      const over = told || holdChanged || isNew || ends;
      if (over || ranges.length > 0)
        return {
          ranges,
          lagOffsets,
          topicId,
          lake,
          damaged: told ? damaged : undefined,
          heldBy: holdChanged ? heldBy : undefined,
          added: isNew ? added : undefined,
        };
      await deps.topic.awaitMessages(next, { maxWaitMs: deps.waitMs, signal });
      signal.throwIfAborted();
    }
  };

  /** Cut before it is compared, so that more than can be told of is no news at each claim. */
  async function patrol({ sequence }: KnownLake, before: readonly DamagedFile[]): Promise<DamagedFile[]> {
    return (await deps.lake.patrol(sequence, before)).slice(0, REMEMBERED);
  }
}

function namesOf(damaged: readonly DamagedFile[]): string {
  return damaged.map(({ file }) => file).join();
}

/** A partition that is not known was added to the topic since: all its messages are ours, also those that are gone by now. */
function addedPartitions(next: Offsets, live: Offsets): Offsets | undefined {
  const added = Object.keys(live).filter((p) => next[p] === undefined);
  return added.length === 0 ? undefined : Object.fromEntries(added.map((p) => [p, '0']));
}

function refuseGaps(next: Offsets, earliest: Offsets): void {
  const gaps = Object.keys(next).filter((p) => BigInt(earliest[p] ?? '0') > BigInt(next[p]!));
  if (gaps.length === 0) return;
  const lost = gaps
    .map((p) => `partition ${p} offsets ${next[p]} to ${BigInt(earliest[p]!) - 1n}`)
    .join(', ');
  const afterGaps = Object.fromEntries(gaps.map((p) => [p, earliest[p]!]));
  throw new NonRetryableError(
    'DataLoss',
    `Kafka no longer holds ${lost}, which were never landed (retention, or deleted records). Raise the topic's ` +
      `retention. Start landing after the gap: ${landFrom(afterGaps)} and publish the lost rows again: ${PUBLISH_AGAIN}`,
  );
}
