import type { BatchManifest } from '../activities/interfaces';
import type { OpenLandingResult } from '../activities/land/open-landing';
import type { FailureCode } from '../model/order';
import type { Offsets } from '../model/ranges';
import { remember, type Pause, type Refusal, type Request, type Reset } from '../model/requests';
import type { LastError, LandStatus } from '../model/status';
import type { Watermark } from '../model/watermark';
import { governed } from './requests';

/** Input of `landOrders`. Operators give nothing; `state` is for continuing as new. */
export interface LandInput {
  state?: LandState;
}

/** All that a run hands to the next. */
export interface LandState {
  /** Which opening of the lake batches are written under; absent in a run of version 0.1.0 until it has opened the lake. */
  epoch?: number;
  /** Micro-batches committed, and number of the ledger's last entry. */
  sequence: number;
  /** Offsets to read next. */
  next: Offsets;
  /** The furthest offsets that were ever landed; beyond `next` only after a reset to earlier ones. */
  reached: Offsets;
  /** Highest position seen, by bucket: what makes the check for duplicates free in normal flow. */
  highWater: Record<string, Watermark>;
  startedFrom: string;
  /** Counts since this workflow was started; the ledger holds those of all time. */
  rows: LandStatus['rows'];
  failures: Partial<Record<FailureCode, number>>;
  files: number;
  lagOffsets: number;
  newestCreatedAt: string | null;
  paused: Pause | null;
  resets: Reset<Offsets>[];
  /** Those that the ledger does not know yet. */
  resetsToRecord: Reset<Offsets>[];
  refusals: Refusal[];
  lastError: LastError | null;
  runs: number;
}

export function opened({
  epoch,
  sequence,
  next,
  reached,
  highWater,
  startedFrom,
}: OpenLandingResult): LandState {
  return {
    epoch,
    sequence,
    next,
    reached,
    highWater,
    startedFrom,
    rows: { read: 0, landed: 0, duplicate: 0, quarantined: 0 },
    failures: {},
    files: 0,
    lagOffsets: 0,
    newestCreatedAt: null,
    paused: null,
    resets: [],
    resetsToRecord: [],
    refusals: [],
    lastError: null,
    runs: 1,
  };
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

/** Carries out what an operator asked for; offsets have been resolved before. */
export function requested(state: LandState, request: Request): LandState {
  if (request.kind !== 'resetOffsets' || request.to === 'earliest') return governed(state, request);
  const to = { ...state.next, ...request.to };
  const reset = { from: state.next, to, reason: request.reason, at: new Date().toISOString() };
  return {
    ...state,
    next: to,
    resets: remember(state.resets, reset),
    resetsToRecord: remember(state.resetsToRecord, reset),
  };
}
