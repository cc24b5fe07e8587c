import type { Hold } from '../activities/interfaces';
import type { Missed } from './missed';
import type { FailureCode } from './order';
import type { Offsets } from './ranges';
import type { Pause, Refusal, Reset } from './requests';
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

/** Answer of the query `status` of `captureOrders`. */
export interface CaptureStatus {
  workflow: 'captureOrders';
  phase: 'starting' | 'polling' | 'publishing' | 'advancing' | 'paused';
  /** Windows published so far. */
  sequence: number;
  watermark: Watermark | null;
  /** Where this pipeline began: the workflow's input, the progress record, the old state file or the settings. */
  startedFrom: string | null;
  rows: number;
  /** How far the watermark was behind the database's clock at the last poll, in seconds; 0 where it left nothing behind. */
  lagSeconds: number;
  /** Who keeps rows from being captured, at the last poll. */
  heldBy: Hold | null;
  /** Absent: none that was noticed. */
  missed?: MissedRows;
  paused: Pause | null;
  /** The last ones, newest at the end. */
  resets: Reset<Watermark>[];
  refusals: Refusal[];
  lastError: LastError | null;
  warnings: string[];
  /** Runs of this workflow so far (it continues as new), and events in the present one's history. */
  runs: number;
  historyEvents: number;
}

/** Answer of the query `status` of `landOrders`. */
export interface LandStatus {
  workflow: 'landOrders';
  phase: 'starting' | 'claiming' | 'landing' | 'committing' | 'paused';
  /** Micro-batches committed so far. */
  sequence: number;
  nextOffsets: Offsets | null;
  startedFrom: string | null;
  rows: { read: number; landed: number; duplicate: number; quarantined: number };
  /** Messages that broke each rule. */
  failures: Partial<Record<FailureCode, number>>;
  files: number;
  /** Offsets that were readable and not yet landed at the last claim, that claim's own included. */
  lagOffsets: number;
  /** Newest created_at that landed. */
  newestCreatedAt: string | null;
  paused: Pause | null;
  /** The last ones, newest at the end. */
  resets: Reset<Offsets>[];
  refusals: Refusal[];
  lastError: LastError | null;
  runs: number;
  historyEvents: number;
}
