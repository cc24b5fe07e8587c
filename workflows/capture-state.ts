import type { OpenCaptureResult } from '../activities/capture/open-capture';
import type { PollResult } from '../activities/capture/poll';
import type { Hold } from '../activities/interfaces';
import { remember, type Pause, type Refusal, type Request, type Reset } from '../model/requests';
import type { LastError } from '../model/status';
import { compareWatermarks, formatWatermark, parseTimestamp, type Watermark } from '../model/watermark';
import { governed, now, refused, type Outcome } from './requests';

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
}

export function opened({ sequence, watermark, startedFrom, warnings }: OpenCaptureResult): CaptureState {
  return {
    sequence,
    watermark,
    startedFrom,
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

export function polled(state: CaptureState, { window, more, clock, heldBy }: PollResult): CaptureState {
  const micros =
    window === undefined || !more ? 0n : parseTimestamp(clock)! - parseTimestamp(window.upper.createdAt)!;
  return { ...state, heldBy, lagSeconds: Number(micros / 1000n) / 1000 };
}

export function advanced(
  state: CaptureState,
  { sequence, watermark, rows }: { sequence: number; watermark: Watermark; rows: number },
): CaptureState {
  return { ...state, sequence, watermark, rows: state.rows + rows };
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
    state: { ...state, watermark: to, resets: remember(state.resets, reset) },
    answer: { done: reset },
  };
}
