import type { OpenCaptureResult } from '../../activities/capture/open-capture';
import type { PollResult } from '../../activities/capture/poll';
import type { PublishInput, PublishResult } from '../../activities/capture/publish';
import { windowTimes, type WindowTimes } from '../../domain/freshness';
import type { Hold } from '../../domain/hold';
import { CAPTURE_STATE, readInput } from '../../domain/inputs';
import { beyondLimits, fieldsOf, only, remember, type Request } from '../../domain/requests';
import { noCapture, type CaptureFigures } from '../../domain/status';
import { compareWatermarks, formatWatermark, parseTimestamp, type Watermark } from '../../domain/watermark';
import { lateRowsOf, withDetected, movedLate, openedLate, publishedLate, type LateState } from './late-rows';
import { governed, now, refused, type Outcome } from '../shared/requests';
import type { Searchable } from '../shared/search-attributes';

/** Input of `captureOrders`. Operators give nothing or `startFrom`; `state` is for continuing as new. */
export interface CaptureInput {
  startFrom?: { createdAt: string; orderId?: string | number };
  state?: CaptureState;
}

/** All that a run hands to the next. */
export interface CaptureState extends LateState, CaptureFigures {
  watermark: Watermark;
  startedFrom: string;
  /** Given once search attributes may be set, and when they last were, in milliseconds since 1970. */
  pipeline?: string;
  toldAt?: number;
  /** Of the table, as it was seen last. */
  warnings: string[];
  /** Of the topic, when this workflow began. */
  topicWarnings?: string[];
  /** The topic that windows are published to; absent before the first, and after a reset, when whichever is there counts. */
  topicId?: string;
  /** The source that is read; absent before the first look, and after a reset, when whichever is there counts. */
  sourceId?: string;
  /** The watermark was reset since the last window. */
  afterReset?: true;
  /** Where the time of the last windows went; absent before the first. */
  times?: WindowTimes[];
  /** When this workflow last wrote the progress record, in milliseconds since 1970; absent until it does. */
  recordedAt?: number;
}

/** Reads the input; a RangeError says what is wrong with it. Where to start is read by the caller. */
export function readCaptureInput(args: readonly unknown[]): CaptureInput {
  const input = readInput<CaptureInput>(args, ['startFrom'], CAPTURE_STATE);
  if (input.startFrom === undefined) return input;
  only(fieldsOf(input.startFrom), ['createdAt', 'orderId']);
  const problem = beyondLimits('resetWatermark', [input.startFrom]);
  if (problem !== undefined) throw new RangeError(problem);
  return input;
}

export function opened({
  sequence,
  watermark,
  startedFrom,
  warnings,
  topicWarnings = [],
  pipeline,
  topicId,
  sourceId,
  late,
}: OpenCaptureResult): CaptureState {
  return {
    ...noCapture(),
    sequence,
    watermark,
    startedFrom,
    pipeline,
    topicId,
    sourceId,
    ...openedLate(late),
    warnings,
    topicWarnings,
  };
}

/** Of a workflow that was reset to before what it has published: the record's place, and its own counts. */
export function caughtUp(state: CaptureState, found: OpenCaptureResult): CaptureState {
  const { sequence, watermark, warnings, topicWarnings = [], late } = found;
  const place = { sequence, watermark, warnings, topicWarnings, ...openedLate(late) };
  const after = { ...withoutPlaces(state), ...place };
  // A reset that no window has followed in this state is processed again: at worst rows are published twice.
  return state.afterReset === true ? after : { ...after, topicId: found.topicId, sourceId: found.sourceId };
}

export function polled(state: CaptureState, result: PollResult): CaptureState {
  const { window, more, clock, heldBy, warnings = state.warnings } = result;
  const micros =
    window === undefined || !more ? 0n : parseTimestamp(clock)! - parseTimestamp(window.upper.createdAt)!;
  const lagSeconds = Math.max(Number(micros / 1000n) / 1000, heldFor(heldBy, Date.parse(clock)));
  return {
    ...withDetected(state, result),
    pipeline: result.pipeline ?? state.pipeline,
    sourceId: result.sourceId ?? state.sourceId,
    warnings,
    heldBy,
    lagSeconds,
  };
}

/** What is worth a warning of table and topic. */
export function warningsOf({ warnings, topicWarnings = [] }: CaptureState): string[] {
  return [...warnings, ...topicWarnings];
}

/** Who holds capture back may hide rows that are as old as the hold. */
function heldFor(heldBy: Hold | null, now: number): number {
  return heldBy === null ? 0 : Math.max(0, (now - Date.parse(heldBy.since)) / 1000);
}

/** What capture is found by. */
export function searchable({ pipeline, lagSeconds, heldBy, rows }: CaptureState): Searchable {
  const lag = Math.max(lagSeconds, heldFor(heldBy, Date.now()));
  return { pipeline, lagSeconds: lag, lastBatch: rows > 0 ? 'published' : 'none' };
}

export function advanced(
  { afterReset: _carriedOut, ...state }: CaptureState,
  {
    sequence,
    watermark,
    rows,
    topicId,
    sourceId,
  }: { sequence: number; watermark: Watermark } & PublishResult,
): CaptureState {
  return {
    ...publishedLate(state, rows),
    sequence,
    watermark,
    rows: state.rows + rows,
    topicId,
    sourceId,
    recordedAt: Date.now(),
  };
}

/** After a window was published, in so many milliseconds. */
export function timed(state: CaptureState, found: PollResult, publishMs: number): CaptureState {
  const times = windowTimes(found, publishMs);
  return times === undefined ? state : { ...state, times: remember(state.times ?? [], times) };
}

/** What the next publish has to know of the topic and of the record there. */
export function sinceLast(
  state: CaptureState,
): Pick<PublishInput, 'topicId' | 'sourceId' | 'afterReset' | 'late'> {
  const { topicId, sourceId, afterReset } = state;
  return {
    topicId,
    sourceId,
    afterReset,
    late: lateRowsOf(state),
  };
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
      ...withoutPlaces(movedLate(state, reset)),
      watermark: to,
      afterReset: true,
      resets: remember(state.resets, reset),
    },
    answer: { done: reset },
  };
}

/** An operator who says from where to publish again means the source and the topic that are there. */
function withoutPlaces({ topicId: _topic, sourceId: _source, ...state }: CaptureState): CaptureState {
  return state;
}
