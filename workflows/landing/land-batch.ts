import type { LandResult } from '../../activities/landing/land-micro-batch';
import type { BatchManifest } from '../../ports';
import { batchTimes, oldestIn, type BatchMoments } from '../../domain/freshness';
import { partitionsIn } from '../../domain/partition-marks';
import { offsetsAfter } from '../../domain/plan-ranges';
import { formatRanges, spanOf, type OffsetRange } from '../../domain/ranges';
import { remember } from '../../domain/requests';
import type { LandStatus } from '../../domain/status';
import { commitMicroBatch, landMicroBatch } from './activities';
import { summarizeManifest } from './details';
import { committed, furthest, knownLake, parked, withEntry, type LandState } from './state';
import { withError } from '../shared/last-error';
import { nonRetryableError } from '../shared/non-retryable-error';
import { now } from '../shared/requests';
import { orNone } from '../../domain/or-none';

/** Carries ranges that history has fixed through to the end, or commits them as failed; nothing may come between. */
export async function landBatch(
  from: LandState,
  ranges: OffsetRange[],
  enter: (phase: LandStatus['phase']) => void,
): Promise<LandState> {
  const { epoch = 0, unlanded = [], highWater, reached, topicId, topicSince } = from; // epoch 0 is of a replayed run of version 0.1.0 only
  const damaged = orNone(from.damaged);
  const sequence = from.sequence + 1;
  const next = offsetsAfter(from.next, ranges);
  const known = knownLake(from);
  const commit = {
    epoch,
    sequence,
    ranges,
    next,
    reached: furthest(reached, next),
    topicId,
    topicSince,
    resets: from.resetsToRecord,
    known,
    previousHash: from.entryHash,
  };
  const after = { ...from, lagOffsets: from.lagOffsets - spanOf(ranges) };
  const offsets = `${spanOf(ranges)} offsets, ${formatRanges(ranges)}`;

  enter('landing');
  const begun = Date.now();
  let result: LandResult;
  try {
    result = await landMicroBatch.executeWithOptions({ summary: `#${sequence}: ${offsets}` }, [
      {
        epoch,
        sequence,
        ranges,
        highWater,
        partitions: partitionsIn(next),
        reached,
        damaged,
        topicId,
        topicSince,
        known,
      },
    ]);
  } catch (error) {
    const failure = nonRetryableError(error, ['BatchNotLandable', 'BatchTooWide']);
    if (failure.type === 'BatchTooWide') return claimLess(from, ranges);
    enter('committing');
    const done = await commitMicroBatch.executeWithOptions({ summary: `#${sequence}: failed, ${offsets}` }, [
      {
        ...commit,
        manifest: { ...nothing(highWater), damaged },
        parked: failure,
        unlanded: [...unlanded, sequence],
      },
    ]);
    return withEntry(parked(after, { sequence, ranges, error: failure.message, at: now() }, next), done);
  }
  const { oldestMessage: sent, ...manifest } = result;
  const landedAt = Date.now();
  enter('committing');
  const done = await commitMicroBatch.executeWithOptions(
    { summary: `#${sequence}: ${summarizeManifest(manifest)}` },
    [{ ...commit, manifest, unlanded }],
  );
  const committedAt = Date.now();
  const landed = committed(claimMore(after), sequence, next, manifest);
  const told = timed(landed, manifest, {
    sent,
    begun,
    landed: landedAt,
    committed: committedAt,
    more: after.lagOffsets > 0,
  });
  const mended = withError(told, 'landMicroBatch', manifest);
  return withEntry(withError(mended, 'commitMicroBatch', done), done);
}

/** One whose messages were not read now, or that brought no order, says nothing of freshness. */
function timed(
  state: LandState,
  { files }: BatchManifest,
  { sent, ...moments }: Omit<BatchMoments, 'created' | 'sent'> & { sent: number | undefined },
): LandState {
  const created = oldestIn(files);
  if (created === undefined || sent === undefined) return state;
  return { ...state, times: remember(state.times ?? [], batchTimes({ created, sent, ...moments })) };
}

/** Nothing of the batch was written; the next claim takes half of it, until one fits. */
function claimLess(state: LandState, ranges: OffsetRange[]): LandState {
  return { ...state, atMost: Math.ceil(spanOf(ranges) / 2) };
}

/** More than any setting claims at once. */
const NO_LIMIT = 10_000_000;

function claimMore({ atMost, ...state }: LandState): LandState {
  return atMost === undefined || 2 * atMost > NO_LIMIT ? state : { ...state, atMost: 2 * atMost };
}

function nothing(highWater: LandState['highWater']): BatchManifest {
  const counts = { read: 0, landed: 0, duplicate: 0, quarantined: 0, failures: {} };
  return { files: [], quarantineFiles: [], counts, highWater };
}
