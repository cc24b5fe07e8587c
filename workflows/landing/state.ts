import type { BatchManifest, KnownLake } from '../../ports';
import type { ClaimResult } from '../../activities/landing/claim-micro-batch';
import type { LandAgainResult } from '../../activities/landing/land-again';
import type { OpenLandingResult } from '../../activities/landing/open-landing';
import type { DamagedFile, LakeIdentity } from '../../domain/damaged';
import type { ResolveOffsetsResult } from '../../activities/landing/resolve-offsets';
import type { FailureCode } from '../../domain/table/table';
import type { BatchTimes } from '../../domain/freshness';
import type { OpenTransaction } from '../../domain/open-transaction';
import { partitionsIn, marksFor } from '../../domain/partition-marks';
import type { Offsets } from '../../domain/ranges';
import { remember, type Reset } from '../../domain/requests';
import { isOtherTopic } from '../../domain/topic-id';
import type { Replayed } from '../../domain/replay';
import type { LastBatch } from '../../domain/search-attributes';
import { figuresOf, noLanding, type LandFigures, type ParkedBatch } from '../../domain/status';
import type { Watermark } from '../../domain/watermark';
import { now, type Outcome } from '../shared/requests';
import type { Searchable } from '../shared/search-attributes';

/** Input of `landOrders`. Operators give nothing; `state` is for continuing as new. */
export interface LandInput {
  /** Take the lake as it stands: see {@link OpenLandingInput}. */
  acceptLake?: boolean;
  state?: LandState;
}

/** All that a run hands to the next. */
export interface LandState extends Omit<LandFigures, 'unlanded' | 'parked'> {
  startedFrom: string;
  /** Which opening of the lake batches are written under; absent in a run of version 0.1.0 until it has opened the lake. */
  epoch?: number;
  /** Offsets to read next, of all partitions that are known. */
  next: Offsets;
  /** The topic that the offsets here are of; absent until a claim has told, and where brokers know of no ids. */
  topicId?: string;
  /** Number of its first batch; absent where none was landed from a topic before. */
  topicSince?: number;
  /** The furthest offsets that were ever landed; beyond `next` only after a reset to earlier ones. */
  reached: Offsets;
  /** Highest position seen, by bucket (there are as many as partitions in `next`): what makes the check for duplicates free in normal flow. */
  highWater: Record<string, Watermark>;
  /** Given once search attributes may be set, and when they last were, in milliseconds since 1970. */
  pipeline?: string;
  toldAt?: number;
  lastBatch?: LastBatch;
  /** Where the time of the last batches with new orders went; absent before the first. */
  times?: BatchTimes[];
  /** The next claim takes no more offsets; absent unless a batch had too many dates. */
  atMost?: number;
  /** Transactions of others that hold landing back; absent where none ever did. */
  heldBy?: OpenTransaction[];
  /** Resets that the ledger does not know yet. */
  resetsToRecord: Reset<Offsets>[];
  /** Absent in runs of version 0.1.0. */
  unlanded?: number[];
  parked?: ParkedBatch[];
  /** Files that a look-up found not to be what the ledger says. */
  damaged?: DamagedFile[];
  /** What the lake is known by, and the hash of its newest entry; absent until an activity of version 0.4.0 has told. */
  lake?: LakeIdentity;
  entryHash?: string;
  /** The last replay that was processed, so that a request that comes twice is answered twice. */
  lastReplay?: { id: string; replayed: Replayed };
  /** The last merge that was committed: asked for again, it is answered only. */
  lastMerge?: string;
}

export function opened({
  epoch,
  sequence,
  next,
  reached,
  highWater,
  unlanded,
  damaged,
  lake,
  entryHash,
  startedFrom,
  pipeline,
  topicId,
  topicSince,
}: OpenLandingResult): LandState {
  return {
    ...noLanding(),
    epoch,
    sequence,
    next,
    topicId,
    topicSince,
    reached,
    highWater,
    startedFrom,
    pipeline,
    resetsToRecord: [],
    unlanded,
    damaged,
    lake,
    entryHash,
  };
}

/**
 * Of a workflow that was reset to before what it has landed: the lake's place, and its own counts. A reset of offsets that no
 * batch has followed in this state is processed again: at worst messages are read twice.
 */
export function caughtUp(state: LandState, found: OpenLandingResult): LandState {
  const {
    startedFrom,
    pipeline = found.pipeline,
    toldAt,
    lastReplay,
    lastMerge,
    parked = [],
    resetsToRecord,
  } = state;
  const { sequence, unlanded } = found;
  const after: LandState = {
    ...opened(found),
    ...figuresOf(noLanding(), state),
    ...{ startedFrom, pipeline, toldAt, lastReplay, lastMerge, sequence, unlanded },
    parked: parked.filter((batch) => unlanded.includes(batch.sequence)),
  };
  const pending = resetsToRecord.at(-1);
  return pending === undefined ? after : moved(after, pending.to, pending.reason, pending).state;
}

/** What activities are told of the lake. */
export function knownLake({ lake, sequence }: LandState): KnownLake {
  return { sequence, lake };
}

export function claimed(
  state: LandState,
  { lagOffsets, pipeline, topicId, lake, damaged, heldBy, added = {} }: ClaimResult,
): LandState {
  const next = { ...added, ...state.next };
  return {
    ...state,
    next,
    reached: { ...added, ...state.reached },
    highWater: marksAt(state, next),
    lagOffsets,
    heldBy: heldBy ?? state.heldBy,
    damaged: damaged ?? state.damaged,
    lake: lake ?? state.lake,
    pipeline: pipeline ?? state.pipeline,
    topicId: topicId ?? state.topicId,
  };
}

/** The high water for the partitions of `next`. */
function marksAt({ highWater, next: before }: LandState, next: Offsets): LandState['highWater'] {
  return marksFor(highWater, { made: partitionsIn(before), partitions: partitionsIn(next) });
}

/** What landing is found by; the age of the newest order says something only while others wait behind it. */
export function searchable(state: LandState): Searchable {
  const { pipeline, lagOffsets, newestCreatedAt, lastBatch = 'none', unlanded = [] } = state;
  const behind = lagOffsets > 0 && newestCreatedAt !== null;
  const lagSeconds = behind ? (Date.now() - Date.parse(newestCreatedAt)) / 1000 : 0;
  return { pipeline, lagSeconds, lastBatch, parkedBatches: unlanded.length };
}

export function committed(
  state: LandState,
  sequence: number,
  next: Offsets,
  manifest: BatchManifest,
): LandState {
  const { read, landed, duplicate, quarantined, failures } = manifest.counts;
  const summed = { ...state.failures };
  for (const [code, count] of Object.entries(failures) as [FailureCode, number][]) {
    summed[code] = (summed[code] ?? 0) + count;
  }
  const { newestCreatedAt } = manifest;
  return {
    ...state,
    damaged: manifest.damaged ?? [],
    lastBatch: 'landed',
    sequence,
    next,
    reached: furthest(state.reached, next),
    resetsToRecord: [],
    highWater: manifest.highWater,
    rows: {
      read: state.rows.read + read,
      landed: state.rows.landed + landed,
      duplicate: state.rows.duplicate + duplicate,
      quarantined: state.rows.quarantined + quarantined,
    },
    failures: summed,
    files: state.files + manifest.files.length + manifest.quarantineFiles.length,
    newestCreatedAt: later(state.newestCreatedAt, newestCreatedAt ?? null),
  };
}

function later(a: string | null, b: string | null): string | null {
  if (a === null || b === null) return a ?? b;
  return a > b ? a : b;
}

/** Per partition the larger offset. */
export function furthest(a: Offsets, b: Offsets): Offsets {
  const larger = (p: string, offset: string) => (BigInt(a[p] ?? '0') > BigInt(offset) ? a[p]! : offset);
  return { ...a, ...Object.fromEntries(Object.entries(b).map(([p, offset]) => [p, larger(p, offset)])) };
}

/** Goes on elsewhere; the offsets have been found to exist in the topic with this id. */
export function moved(
  state: LandState,
  offsets: Offsets,
  reason: string | null,
  { topicId, begins = {} }: Pick<ResolveOffsetsResult, 'topicId' | 'begins'>,
): Outcome<LandState> {
  const anew = isOtherTopic(state.topicId, topicId);
  // A new topic's offsets are those of all its partitions, which may be fewer.
  const to = anew ? offsets : { ...begins, ...state.next, ...offsets };
  const reset = { from: state.next, to, reason, at: now(), topicId: anew ? topicId : undefined };
  // Of the new topic nothing was landed yet: whatever stands below the offsets of the old one is no repeat.
  const begun = anew
    ? { reached: to, topicSince: state.sequence + 1 }
    : { reached: { ...to, ...begins, ...state.reached } };
  return {
    state: {
      ...state,
      next: to,
      highWater: marksAt(state, to),
      topicId: topicId ?? state.topicId,
      ...begun,
      resets: remember(state.resets, reset),
      resetsToRecord: remember(state.resetsToRecord, reset),
    },
    answer: { done: reset },
  };
}

/** The place before a reset; where that went backwards, not behind what has been landed since. */
export function placeBefore({ next }: LandState, { from, to }: Reset<Offsets>): Offsets {
  const back = (p: string, offset: string) =>
    BigInt(to[p] ?? offset) < BigInt(offset) && BigInt(next[p] ?? offset) > BigInt(offset)
      ? next[p]!
      : offset;
  return Object.fromEntries(Object.entries(from).map(([p, offset]) => [p, back(p, offset)]));
}

/** After a batch that could not be landed: its offsets are behind us, and it waits for a replay. */
export function parked(state: LandState, batch: ParkedBatch, next: Offsets): LandState {
  return {
    ...state,
    lastBatch: 'parked',
    sequence: batch.sequence,
    next,
    reached: furthest(state.reached, next),
    resetsToRecord: [],
    unlanded: [...(state.unlanded ?? []), batch.sequence],
    parked: remember(state.parked ?? [], batch),
  };
}

/** After a batch was landed again under the ledger entry `sequence`. */
export function superseded(
  state: LandState,
  {
    batch,
    sequence,
    before,
    manifest,
  }: { batch: number; sequence: number } & Pick<LandAgainResult, 'before' | 'manifest'>,
): LandState {
  const { read, landed, duplicate, quarantined } = manifest.counts;
  const wasParked = (state.unlanded ?? []).includes(batch);
  return {
    ...state,
    damaged: manifest.damaged ?? [],
    lastBatch: 'replayed',
    sequence,
    resetsToRecord: [],
    highWater: manifest.highWater,
    rows: {
      read: state.rows.read + (wasParked ? read : 0),
      landed: state.rows.landed + landed - before.landed,
      duplicate: state.rows.duplicate + (wasParked ? duplicate : 0),
      quarantined: state.rows.quarantined + quarantined - before.quarantined,
    },
    unlanded: (state.unlanded ?? []).filter((number) => number !== batch),
    parked: (state.parked ?? []).filter((one) => one.sequence !== batch),
  };
}

/** After a commit: the hash of the entry that it wrote. A worker of an older version does not tell, and then it is unknown. */
export function withEntry<T extends LandState>(state: T, { entryHash }: { entryHash?: string }): T {
  return { ...state, entryHash };
}
