import type { OpenCaptureResult } from '../activities/capture/open-capture';
import type { PollResult } from '../activities/capture/poll';
import type { PublishInput, PublishResult } from '../activities/capture/publish';
import type { Hold } from '../activities/interfaces';
import { addMissed, countMissed, NONE_MISSED, type Missed, type Watch } from '../model/missed';
import { remember, type Pause, type Refusal, type Request, type Reset } from '../model/requests';
import type { LastError, MissedRows } from '../model/status';
import { topicOf } from '../model/topic-id';
import { compareWatermarks, formatWatermark, parseTimestamp, type Watermark } from '../model/watermark';
import { governed, now, refused, type Outcome } from './requests';
import type { Searchable } from './search-attributes';

/** Input of `captureOrders`. Operators give nothing or `startFrom`; `state` is for continuing as new. */
export interface CaptureInput {
  startFrom?: { createdAt: string; orderId?: string | number };
  state?: CaptureState;
}

/** All that a run hands to the next. */
export interface CaptureState {
  /** Windows published, and number of the last one's progress record. */
  sequence: number;
  watermark: Watermark;
  startedFrom: string;
  /** Given once search attributes may be set, and when they last were, in milliseconds since 1970. */
  pipeline?: string;
  toldAt?: number;
  /** Rows published since this pipeline's workflow was started. */
  rows: number;
  lagSeconds: number;
  heldBy: Hold | null;
  paused: Pause | null;
  resets: Reset<Watermark>[];
  refusals: Refusal[];
  lastError: LastError | null;
  warnings: string[];
  runs: number;
  /** The topic that windows are published to; absent before the first, and after a reset, when whichever is there counts. */
  topicId?: string;
  /** The watermark was reset since the last window. */
  afterReset?: true;
  /** When this workflow last wrote the progress record, in milliseconds since 1970; absent until it does. */
  recordedAt?: number;
  /** For noticing rows that capture cannot see; absent before the first look, and after a reset. */
  watch?: Watch | null;
  /** Those that the watch has let go of. */
  missed?: Missed;
  /** When the first was noticed, ISO 8601. */
  missedSince?: string | undefined;
}

export function opened({
  sequence,
  watermark,
  startedFrom,
  warnings,
  pipeline,
  topicId,
}: OpenCaptureResult): CaptureState {
  return {
    sequence,
    watermark,
    startedFrom,
    ...(pipeline === undefined ? {} : { pipeline }),
    ...topicOf({ topicId }),
    rows: 0,
    lagSeconds: 0,
    heldBy: null,
    paused: null,
    resets: [],
    refusals: [],
    lastError: null,
    warnings,
    runs: 1,
  };
}

export function polled(state: CaptureState, result: PollResult): CaptureState {
  const { window, more, clock, heldBy } = result;
  const micros =
    window === undefined || !more ? 0n : parseTimestamp(clock)! - parseTimestamp(window.upper.createdAt)!;
  const named = result.pipeline === undefined ? {} : { pipeline: result.pipeline };
  return { ...lookedBehind(state, result), ...named, heldBy, lagSeconds: Number(micros / 1000n) / 1000 };
}

/** What capture is found by. A transaction that holds it back may hide rows as old as itself. */
export function searchable({ pipeline, lagSeconds, heldBy, rows }: CaptureState): Searchable {
  const held = heldBy === null ? 0 : (Date.now() - Date.parse(heldBy.since)) / 1000;
  return { pipeline, lagSeconds: Math.max(lagSeconds, held), lastBatch: rows > 0 ? 'published' : 'none' };
}

function lookedBehind(state: CaptureState, { behind }: PollResult): CaptureState {
  if (behind === undefined) return state;
  const { watch, settled } = behind;
  const missed = addMissed(state.missed ?? NONE_MISSED, settled);
  const next = { ...state, watch, missed };
  if (state.missedSince !== undefined || countMissed(allMissed(next)) === 0) return next;
  return { ...next, missedSince: now() };
}

function allMissed({ missed = NONE_MISSED, watch }: CaptureState): Missed {
  return addMissed(missed, watch?.found ?? NONE_MISSED);
}

/** The field of `status`, absent where nothing was missed. */
export function missedRows(state: CaptureState | undefined): { missed?: MissedRows } {
  if (state?.missedSince === undefined) return {};
  const missed = allMissed(state);
  return countMissed(missed) === 0 ? {} : { missed: { ...missed, since: state.missedSince } };
}

export function advanced(
  { afterReset: _carriedOut, ...state }: CaptureState,
  { sequence, watermark, rows, topicId }: { sequence: number; watermark: Watermark } & PublishResult,
): CaptureState {
  return {
    ...state,
    sequence,
    watermark,
    rows: state.rows + rows,
    ...topicOf({ topicId }),
    recordedAt: Date.now(),
    ...(state.watch ? { watch: withPublished(state.watch, rows) } : {}),
  };
}

/** What the next publish has to know of the topic and of the record there. */
export function sinceLast({
  topicId,
  afterReset,
}: CaptureState): Pick<PublishInput, 'topicId' | 'afterReset'> {
  return {
    ...topicOf({ topicId }),
    ...(afterReset === undefined ? {} : { afterReset }),
  };
}

function withPublished(watch: Watch, rows: number): Watch {
  const baselines = watch.baselines.map((baseline) => ({
    ...baseline,
    published: baseline.published + rows,
  }));
  return { ...watch, baselines };
}

/** Carries out what an operator asked for. The sequence goes on rising: it is what fences a second capture. */
export function requested(state: CaptureState, request: Request): Outcome<CaptureState> {
  switch (request.kind) {
    case 'resetWatermark':
      return moved(state, request.to, request.reason);
    case 'undoReset': {
      const last = state.resets.at(-1);
      if (last === undefined) return refused(state, request.signal, 'there was no reset to undo');
      // Backwards it was so that rows are published again; those that have been since need not be.
      const backwards = compareWatermarks(last.to, last.from) < 0;
      if (backwards && compareWatermarks(state.watermark, last.from) >= 0)
        return refused(
          state,
          request.signal,
          `the watermark has passed ${formatWatermark(last.from)} already`,
        );
      return moved(state, last.from, request.reason ?? `undo of the reset at ${last.at}`);
    }
    default:
      return governed(state, request);
  }
}

function moved(state: CaptureState, to: Watermark, reason: string | null): Outcome<CaptureState> {
  const reset = { from: state.watermark, to, reason, at: now() };
  return {
    state: {
      ...withoutTopic(watchedAnew(state, to)),
      watermark: to,
      afterReset: true,
      resets: remember(state.resets, reset),
    },
    answer: { done: reset },
  };
}

/** An operator who says from where to publish again means the topic that is there. */
function withoutTopic({ topicId: _before, ...state }: CaptureState): CaptureState {
  return state;
}

/**
 * From another place on, the watch begins anew. What was missed is forgotten if it is captured now; so are rows without a
 * created_at, which no reset brings, as the operator has seen them.
 */
function watchedAnew(state: CaptureState, to: Watermark): CaptureState {
  const missed = allMissed(state);
  if (missed.from === null || to.createdAt <= missed.from)
    return { ...state, watch: null, missed: NONE_MISSED, missedSince: undefined };
  return { ...state, watch: null, missed: { ...missed, withoutCreatedAt: 0 } };
}
