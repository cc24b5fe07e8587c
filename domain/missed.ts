import { LOWEST_PLACE, movedGaps, type Gap } from './gaps';
import type { Unreachable } from './unreachable';
import { compareWatermarks, type Watermark } from './watermark';

/** Rows that are in the table and not in the topic, and that capture has passed for good. */
export interface Missed {
  /** With a created_at at or before the watermark when they became visible: set by a client, or its clock was behind. */
  backdated: number;
  /** Some of them, by order_id. */
  examples: string[];
  /** None has an earlier created_at (UTC): a watermark to go back to. */
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
  /** Rows without an order_id at or before `watermark`; absent where not known. */
  nameless?: number;
  /** Of one taken before a reset to a later place than its watermark: where rows are counted from. */
  countedFrom?: Watermark;
}

/** What a capture carries to notice rows that it does not reach: see activities/capture/detect-late-rows.ts. */
export interface Watch {
  /** Up to two, the older first. */
  baselines: Baseline[];
  /** The last look, by the database's clock, UTC. */
  lookedAt: string;
  /** Missed since the older baseline. */
  found: Missed;
  /** The oldest open transaction at the last look that worked; absent before one, and from versions before 0.4.0. */
  transaction?: string;
  /** As of the last look that worked; absent before one, and from versions before 0.4.0. */
  unreachable?: Unreachable[];
  /** The last looks failed. */
  failing?: { since: string; error: string; looks: number };
  /** An order came with a lower id than one that was there long before it: such ids hide what is missed. */
  fallingId?: { orderId: string; at: string };
}

/** A time in which rows may have been missed without being counted. */
export interface Uncounted {
  /** Null: since this pipeline began. */
  from: string | null;
  to: string;
  why: string;
}

/** What is known of rows that were not captured. It goes with the progress record, so that a new workflow goes on with it. */
export interface LateRows {
  watch: Watch | null;
  /** Those that the watch has let go of. */
  missed: Missed;
  /** When the first was noticed, ISO 8601. */
  missedSince?: string | undefined;
  gaps: Gap[];
  uncounted?: Uncounted | undefined;
}

export const NONE_MISSED: Missed = { backdated: 0, examples: [], from: null };

const MOST_EXAMPLES = 5;

export function addMissed(a: Missed, b: Missed): Missed {
  return {
    backdated: a.backdated + b.backdated,
    examples: [...new Set([...a.examples, ...b.examples])].slice(0, MOST_EXAMPLES),
    from: a.from === null || b.from === null ? (a.from ?? b.from) : a.from < b.from ? a.from : b.from,
  };
}

/** `all` without the `later` ones among them; not below 0, because rows may have been deleted. */
export function withoutLater(all: Missed, later: Missed): Missed {
  const backdated = Math.max(0, all.backdated - later.backdated);
  return {
    backdated,
    examples: all.examples.filter((id) => !later.examples.includes(id)),
    from: backdated === 0 ? null : all.from,
  };
}

/** A watch after rows of a window were published. */
export function withPublished(watch: Watch, rows: number): Watch {
  const baselines = watch.baselines.map((baseline) => ({
    ...baseline,
    published: baseline.published + rows,
  }));
  return { ...watch, baselines };
}

/**
 * What is known after capture was moved to another place. What was missed is forgotten if it is captured now; what is passed over
 * is a gap from then on.
 */
export function movedLateRows(
  late: LateRows,
  move: { from: Watermark; to: Watermark } & Pick<Gap, 'because' | 'detail'>,
): LateRows {
  const isCaptured = ({ from }: Missed) => from !== null && move.to.createdAt <= from;
  const left = (missed: Missed) => (isCaptured(missed) ? NONE_MISSED : missed);
  const watch = late.watch && movedWatch(late.watch, move);
  const moved = {
    ...late,
    uncounted: compareWatermarks(move.to, LOWEST_PLACE) <= 0 ? undefined : late.uncounted,
    watch: watch && { ...watch, found: left(watch.found) },
    missed: left(late.missed),
    gaps: movedGaps(late.gaps, move),
  };
  const remains = moved.missed.backdated + (moved.watch?.found.backdated ?? 0) > 0;
  return remains ? moved : { ...moved, missedSince: undefined };
}

/**
 * A watch that looks again at once. Back from a baseline's place, rows behind the new place are published anew; from a place
 * between it and capture's own, what was published is no longer known, so counting begins there.
 */
function movedWatch(watch: Watch, { from, to }: { from: Watermark; to: Watermark }): Watch {
  if (compareWatermarks(to, from) >= 0) return { ...watch, lookedAt: NEVER };
  const baselines = watch.baselines.map((baseline): Baseline => {
    const { orderId, takenAt } = baseline;
    const isBehind = compareWatermarks(to, baseline.watermark) <= 0;
    if (isBehind) return { orderId, takenAt, watermark: to, published: 0 };
    return { ...baseline, published: 0, countedFrom: to };
  });
  return { ...watch, baselines, lookedAt: NEVER };
}

/** Long before any look. */
const NEVER = '0001-01-01T00:00:00.000000Z';

export function joinUncounted(
  known: Uncounted | undefined,
  more: Uncounted | undefined,
): Uncounted | undefined {
  if (known === undefined || more === undefined) return known ?? more;
  return { ...more, from: known.from };
}
