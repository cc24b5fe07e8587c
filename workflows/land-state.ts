import type { BatchManifest } from '../activities/interfaces';
import type { OpenLandingResult } from '../activities/land/open-landing';
import type { FailureCode } from '../model/order';
import type { Offsets } from '../model/ranges';
import type { LastError, LandStatus } from '../model/status';
import type { Watermark } from '../model/watermark';

/** Input of `landOrders`. Operators give nothing; `state` is for continuing as new. */
export interface LandInput {
  state?: LandState;
}

/** All that a run hands to the next. */
export interface LandState {
  /** Micro-batches committed, and number of the ledger's last entry. */
  sequence: number;
  /** Offsets to read next. */
  next: Offsets;
  /** Highest position seen, by bucket: what makes the check for duplicates free in normal flow. */
  highWater: Record<string, Watermark>;
  startedFrom: string;
  /** Counts since this workflow was started; the ledger holds those of all time. */
  rows: LandStatus['rows'];
  failures: Partial<Record<FailureCode, number>>;
  files: number;
  lagOffsets: number;
  newestCreatedAt: string | null;
  lastError: LastError | null;
  runs: number;
}

export function opened({ sequence, next, highWater, startedFrom }: OpenLandingResult): LandState {
  return {
    sequence,
    next,
    highWater,
    startedFrom,
    rows: { read: 0, landed: 0, duplicate: 0, quarantined: 0 },
    failures: {},
    files: 0,
    lagOffsets: 0,
    newestCreatedAt: null,
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
