import type { Watermark } from './watermark';

/** Rows that are in the table and not in the topic, and that capture has passed for good. */
export interface Missed {
  /** With a created_at at or before the watermark when they became visible: set by a client, or its clock was behind. */
  backdated: number;
  /** Without a created_at, so without a place in time. */
  withoutCreatedAt: number;
  /** Some of the backdated ones, by order_id. */
  examples: string[];
  /** No backdated one has an earlier created_at (UTC): a watermark to go back to. */
  from: string | null;
}

/**
 * A moment at which capture looked at the whole table: whatever is not above both `orderId` and `watermark` later on, and
 * was not there then, is missed.
 */
export interface Baseline {
  /** The highest that was visible. */
  orderId: string;
  watermark: Watermark;
  /** Rows published since. */
  published: number;
  /** After the look, by the database's clock, UTC. */
  takenAt: string;
}

/** What a capture carries to notice missed rows: see activities/capture/look-behind.ts. */
export interface Watch {
  /** One or two, the older first. */
  baselines: Baseline[];
  /** The last look, by the database's clock, UTC. */
  lookedAt: string;
  /** Missed since the older baseline. */
  found: Missed;
}

export const NONE_MISSED: Missed = { backdated: 0, withoutCreatedAt: 0, examples: [], from: null };

const MOST_EXAMPLES = 5;

export function countMissed({ backdated, withoutCreatedAt }: Missed): number {
  return backdated + withoutCreatedAt;
}

export function addMissed(a: Missed, b: Missed): Missed {
  return {
    backdated: a.backdated + b.backdated,
    withoutCreatedAt: a.withoutCreatedAt + b.withoutCreatedAt,
    examples: [...new Set([...a.examples, ...b.examples])].slice(0, MOST_EXAMPLES),
    from: a.from === null || b.from === null ? (a.from ?? b.from) : a.from < b.from ? a.from : b.from,
  };
}

/** `all` without the `later` ones among them; not below 0, because rows may have been deleted. */
export function withoutLater(all: Missed, later: Missed): Missed {
  const backdated = Math.max(0, all.backdated - later.backdated);
  return {
    backdated,
    withoutCreatedAt: Math.max(0, all.withoutCreatedAt - later.withoutCreatedAt),
    examples: all.examples.filter((id) => !later.examples.includes(id)),
    from: backdated === 0 ? null : all.from,
  };
}
