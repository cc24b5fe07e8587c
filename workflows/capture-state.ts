import type { OpenCaptureResult } from '../activities/capture/open-capture';
import type { PollResult } from '../activities/capture/poll';
import type { Hold } from '../activities/interfaces';
import { remember, type Pause, type Refusal, type Request, type Reset } from '../model/requests';
import type { LastError } from '../model/status';
import { parseTimestamp, type Watermark } from '../model/watermark';
import { governed } from './requests';

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
  /** When this workflow last wrote the progress record, in milliseconds since 1970; absent until it does. */
  recordedAt?: number;
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
  return { ...state, sequence, watermark, rows: state.rows + rows, recordedAt: Date.now() };
}

/** Carries out what an operator asked for. The sequence goes on rising: it is what fences a second capture. */
export function requested(state: CaptureState, request: Request): CaptureState {
  if (request.kind !== 'resetWatermark') return governed(state, request);
  const { to, reason } = request;
  const reset = { from: state.watermark, to, reason, at: new Date().toISOString() };
  return { ...state, watermark: to, resets: remember(state.resets, reset) };
}
