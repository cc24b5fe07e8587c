import type { Unreachable } from './unreachable';

/** What a comparison of source, topic and lake found. Counts, dates and ids; never a row's values. */
export interface VerifyResult {
  /** No difference in the period, and no row of the source that is neither in a period nor on its way. */
  equal: boolean;
  /** Bounds of created_at that were compared, UTC; `from` is null for the beginning, `to` is exclusive. */
  from: string | null;
  to: string;
  /** Everything of the period before this moment is equal. */
  verifiedThrough: string;
  /** The first day for which the topic was compared, where Kafka has dropped older messages; null where it has all. */
  topicFrom: string | null;
  /** By UTC day of created_at, in order; with `dates: 'different'` only those with a difference. */
  dates: DateComparison[];
  totals: Sides;
  /** Rows of the source that are not captured as they are, and so are in no period that is compared; absent in results of versions before 0.4.0. */
  unreachable?: Unreachable[];
  /** How many orders differ, by place and kind. */
  differences: { place: Place; kind: DifferenceKind; orders: number }[];
  /** The first 20 of them by created_at. */
  examples: Example[];
  /** Orders published more than once: after a watermark reset that is normal. */
  publishedAgain: number;
  /** Rows without a readable created_at have no place in the comparison. */
  withoutTime: { source: number; topic: number; quarantine: number };
  /** For a person: what was left out, and why. */
  notes: string[];
  seconds: number;
}

/** Rows and their sum of amount, two decimals, as text. */
export interface Side {
  rows: number;
  amount: string;
}

interface Sides {
  source: Side;
  /** Different orders, however often each was published; null where the topic was not compared. */
  topic: Side | null;
  lake: Side;
  quarantine: Side;
}

export interface DateComparison extends Sides {
  /** `2025-11-18`. */
  date: string;
  verdict: 'equal' | 'different';
}

/** `lake` is lake and quarantine together. */
export type Place = 'source' | 'topic' | 'lake';

export const DIFFERENCE_KINDS = {
  missing: 'in the source, but not there',
  extra: 'there, but not in the source',
  doubled: 'more than once',
  changed: 'with other values than in the source',
} as const;
export type DifferenceKind = keyof typeof DIFFERENCE_KINDS;

export interface Example {
  place: Place;
  kind: DifferenceKind;
  /** null for an order without one. */
  orderId: string | null;
  createdAt: string;
  /** Of a changed one: the columns that differ. */
  columns?: string[];
  /** Where it is or should be: files, a message, a failed batch. */
  where?: string;
}

export interface VerifyOptions {
  /** created_at from this moment on, UTC; default the beginning. */
  from?: string | undefined;
  /** created_at before this moment; default what the landing has reached. Never beyond what the source may still change. */
  to?: string | undefined;
  /** Which dates the result lists; `different` keeps it small. Default `all`. */
  dates?: 'all' | 'different';
  signal?: AbortSignal;
  /** A sign of life with what is being done, several times a second. */
  onProgress?: (doing: string) => void;
}

/** Compares what it was made for; see reconcile/verify. */
export type Verify = (options?: VerifyOptions) => Promise<VerifyResult>;

/** It cannot be said whether anything differs. The message says what, where and what to do. */
export class NotComparable extends Error {}

/** PostgreSQL, DuckDB and Node print doubles in different ways. */
export function incomparable({ name }: { name: string }): Error {
  return new Error(`${name}: columns of type double are not compared yet`);
}
