import type { Hold } from './hold';
import type { DamagedFile } from './damaged';
import type { BatchTimes, Freshness, WindowTimes } from './freshness';
import type { Missed, Uncounted, Watch } from './missed';
import type { FailureCode } from './table/table';
import type { OpenTransaction } from './open-transaction';
import type { OffsetRange, Offsets } from './ranges';
import type { Replayed } from './replay';
import type { Pause, Refusal, Reset } from './requests';
import type { Unreachable } from './unreachable';
import type { Watermark } from './watermark';

/** Added to an activity's result when it needed more than one attempt. */
export interface Recovery {
  attempts: number;
  /** The last attempt's error before the one that worked. */
  error: string;
}

/** The last thing that went wrong, and is over. A failure that is being retried stands in the activity itself. */
export interface LastError {
  activity: string;
  attempts: number;
  error: string;
  /** ISO 8601. */
  at: string;
}

/** Rows that were inserted and that capture cannot see any more, since it was started or reset to before them. */
export interface MissedRows extends Missed {
  /** When the first was noticed, ISO 8601. */
  since: string;
}

/** What keeps rows that are not captured from being counted. */
export interface DetectionLimits extends Pick<Watch, 'failing' | 'fallingId'> {
  uncounted?: Uncounted;
}

/** What a workflow carries in its state and `status` shows as it stands. */
interface Figures<Place> {
  /** Windows published, or micro-batches committed, so far. */
  sequence: number;
  /** Where this pipeline began: the workflow's input, the progress record, the ledger, the old state file or the settings. */
  startedFrom: string | null;
  paused: Pause | null;
  /** The last ones, newest at the end. */
  resets: Reset<Place>[];
  refusals: Refusal[];
  lastError: LastError | null;
  /** Runs of this workflow so far: it continues as new. */
  runs: number;
}

/** Those of a workflow that has not begun. */
const NOTHING = {
  sequence: 0,
  startedFrom: null,
  paused: null,
  resets: [],
  refusals: [],
  lastError: null,
  runs: 1,
} as const satisfies Record<keyof Figures<never>, unknown>;

export interface CaptureFigures extends Figures<Watermark> {
  watermark: Watermark | null;
  rows: number;
  /** How far the watermark was behind the database's clock at the last poll, in seconds; 0 where it left nothing behind. */
  lagSeconds: number;
  /** Who keeps rows from being captured, at the last poll. */
  heldBy: Hold | null;
}

export function noCapture(): CaptureFigures {
  return { ...NOTHING, resets: [], refusals: [], watermark: null, rows: 0, lagSeconds: 0, heldBy: null };
}

export interface LandFigures extends Figures<Offsets> {
  rows: { read: number; landed: number; duplicate: number; quarantined: number };
  /** Messages that broke each rule. */
  failures: Partial<Record<FailureCode, number>>;
  files: number;
  /** Offsets that were in the topic and not yet landed at the last claim, readable or not. */
  lagOffsets: number;
  /** Newest created_at that landed. */
  newestCreatedAt: string | null;
  /** Batches that could not be landed for a lasting reason and wait for `replayBatches`; all of them. */
  unlanded: number[];
  /** Why the last of them failed; the ledger has the reasons of all. */
  parked: ParkedBatch[];
}

export function noLanding(): LandFigures {
  return {
    ...NOTHING,
    ...{ resets: [], refusals: [], failures: {}, files: 0, lagOffsets: 0, newestCreatedAt: null },
    rows: { read: 0, landed: 0, duplicate: 0, quarantined: 0 },
    unlanded: [],
    parked: [],
  };
}

/** Of a state, the fields that `nothing` has; as they are there where the state lacks them, or is not there yet. */
export function figuresOf<F extends object>(nothing: F, state: Partial<F> = {}): F {
  const fields = Object.keys(nothing) as (keyof F)[];
  return Object.fromEntries(fields.map((field) => [field, state[field] ?? nothing[field]])) as F;
}

/** Answer of the query `status` of `captureOrders`. */
export interface CaptureStatus extends CaptureFigures {
  workflow: 'captureOrders';
  phase: 'starting' | 'polling' | 'publishing' | 'advancing' | 'paused';
  /** Absent: none that was noticed. */
  missed?: MissedRows;
  /** Rows that capture does not reach as they are, as of the last look; none of them is among the missed. Absent: none. */
  unreachable?: Unreachable[];
  /** Why some of either may not be counted; absent: all are. */
  detection?: DetectionLimits;
  warnings: string[];
  /** Of the last windows, at most 20; absent before the first. */
  freshness?: Freshness<WindowTimes>;
  /** Events in the history of the present run. */
  historyEvents: number;
}

/** Answer of the query `status` of `landOrders`. */
export interface LandStatus extends LandFigures {
  workflow: 'landOrders';
  phase: 'starting' | 'claiming' | 'landing' | 'committing' | 'replaying' | 'paused';
  nextOffsets: Offsets | null;
  /** Transactions of other producers that keep landing from what is behind them. Absent: none. */
  heldBy?: OpenTransaction[];
  /** Files of the lake or its quarantine that were found not to be what the ledger says; the last ones. Absent: none. */
  damaged?: DamagedFile[];
  /** Of the last batches with new orders, at most 20; absent before the first. */
  freshness?: Freshness<BatchTimes>;
  /** Events in the history of the present run. */
  historyEvents: number;
}

/** A batch that could not be landed for a lasting reason. */
export interface ParkedBatch {
  sequence: number;
  ranges: OffsetRange[];
  error: string;
  /** ISO 8601. */
  at: string;
}

/** Answer of the query `status` of `replayBatches`, and its result. */
export interface ReplayStatus {
  workflow: 'replayBatches';
  phase: 'selecting' | 'replaying' | 'done' | 'cancelled';
  dryRun: boolean;
  reason: string | null;
  /** Batches in all, and how far it has come. */
  batches: number;
  replayed: number;
  failed: number;
  /** Rows in the files of the batches replayed, before and after. */
  before: { landed: number; quarantined: number };
  after: { landed: number; quarantined: number; duplicate: number };
  /** Batch by batch, the last ones; the ledger has all. */
  results: Replayed[];
}
