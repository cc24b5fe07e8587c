import {
  addMissed,
  NONE_MISSED,
  withoutLater,
  type Missed,
  type Uncounted,
  type Watch,
} from '../../domain/missed';
import type { Gap } from '../../domain/gaps';
import { AHEAD_MS } from '../../domain/unreachable';
import type { Watermark } from '../../domain/watermark';
import type { Horizon, OrdersSource, Seen } from '../../ports';

export interface Look {
  /** `null`: nothing to go by (from earlier versions only). */
  watch: Watch | null;
  /** Missed rows that the watch has let go of: to be added to those of the looks before. */
  settled: Missed;
  /** The watch had to begin anew. */
  uncounted?: Uncounted;
}

/** Looks that fail before the baselines are suspected: what was passed since they were taken may take too long to count. */
const SUSPICIOUS_LOOKS = 3;

/** More would be of no use: rows that were captured take all the time, or the table has no index. */
const MOST_DOUBLINGS = 5;

/**
 * Looks for rows that capture does not reach: those that have no place ahead of it (see domain/unreachable.ts), and those that
 * came behind it, because a client set their created_at to the past.
 *
 * From a baseline (highest id B, watermark W) on, a row is missed if it has a higher id than B and a place at or before W,
 * or if there are more rows between W and the watermark of now than were published; unless it is in a gap. Both are counted anew at
 * each look, so looking twice, or by two workers, counts nothing twice. Rows above the watermark are not missed: the horizon keeps
 * the watermark below whatever open transactions may still commit with a created_at of their own start.
 *
 * A baseline is given up only for a later one, and only when all transactions that were open at the later one have
 * ended: an id is given out before its row is visible, so until then one of theirs may be below B. Ids must rise, as
 * those of a sequence do; where one that falls is seen, the watch says so. Deleted rows can hide missed ones; a created_at that was
 * changed can look like one.
 */
export async function detectLateRows(
  source: Pick<OrdersSource, 'detectLateRows'>,
  options: {
    watch: Watch | null;
    after: Watermark;
    horizon: Horizon;
    gaps?: readonly Gap[];
    idAgeMs?: number;
    sourceId?: string | undefined;
  },
): Promise<Look> {
  const { watch, after, horizon, gaps = [], idAgeMs = AHEAD_MS, sourceId } = options;
  const baselines = watch?.baselines ?? [];
  const look = (since: Watch['baselines']) =>
    source
      .detectLateRows({
        baselines: since,
        upTo: after,
        gaps,
        clock: horizon.clock,
        idAgeMs,
        sourceId,
        since: watch?.transaction,
      })
      .catch((error: unknown) => error as Error);
  const seen = await look(baselines);
  if (!(seen instanceof Error))
    return { ...goneOn(watch, seen, { after, horizon }), ...uncountedIn(watch, seen) };

  // It only watches: where it fails or takes too long, the rows to capture come first.
  const failed = failedWatch(watch, horizon.clock, seen);
  const [older] = baselines;
  if (older === undefined || failed.failing.looks < SUSPICIOUS_LOOKS)
    return { watch: failed, settled: NONE_MISSED };
  const anew = await look([]);
  if (anew instanceof Error) return { watch: failed, settled: NONE_MISSED };
  const begun = goneOn(null, anew, { after, horizon });
  return {
    watch: begun.watch,
    settled: addMissed(failed.found, begun.settled),
    uncounted: {
      from: older.takenAt,
      to: anew.clock,
      why: `the look at what came behind failed: ${seen.message}`,
    },
  };
}

/** When the next look is due: later and later while looks fail. */
export function isDue(watch: Watch | null, clock: string, everyMs: number): boolean {
  if (watch === null) return true;
  const waitMs = everyMs * 2 ** Math.min(watch.failing?.looks ?? 0, MOST_DOUBLINGS);
  return Date.parse(clock) - Date.parse(watch.lookedAt) >= waitMs;
}

function failedWatch(watch: Watch | null, clock: string, { message }: Error) {
  const { failing } = watch ?? {};
  return {
    ...(watch ?? { baselines: [], found: NONE_MISSED }),
    lookedAt: clock,
    failing: {
      since: failing?.since ?? clock,
      error: message.slice(0, 300),
      looks: (failing?.looks ?? 0) + 1,
    },
  };
}

/** Rows that a new part of the table brought along: which of them were captured, nothing tells. */
function uncountedIn(watch: Watch | null, { attached, clock }: Seen): { uncounted?: Uncounted } {
  if (attached.length === 0) return {};
  const which =
    attached.length === 1 ? attached[0]! : `${attached.length} tables, one of them ${attached[0]!},`;
  const why = `${which} came into the table with rows from before the watermark`;
  return { uncounted: { from: watch?.lookedAt ?? null, to: clock, why } };
}

function goneOn(
  watch: Watch | null,
  seen: Seen,
  { after, horizon }: { after: Watermark; horizon: Horizon },
): Look {
  const { clock, unreachable, fallingId, transaction } = seen;
  const { highestOrderId: orderId, nameless } = seen;
  const taken = { orderId, nameless, watermark: after, published: 0, takenAt: clock };
  const [older, newer] = watch?.baselines ?? [];
  const [sinceOlder = NONE_MISSED, sinceNewer = NONE_MISSED] = seen.missed;
  const falling =
    watch?.fallingId ?? (fallingId === undefined ? undefined : { orderId: fallingId, at: clock });
  const looked = {
    lookedAt: clock,
    transaction,
    unreachable,
    fallingId: falling,
  };
  if (older === undefined || newer === undefined) {
    const both = older === undefined ? [taken] : [older, taken];
    return { watch: { ...looked, baselines: both, found: sinceOlder }, settled: NONE_MISSED };
  }
  if (horizon.before === undefined || horizon.before <= newer.takenAt) {
    return { watch: { ...looked, baselines: [older, newer], found: sinceOlder }, settled: NONE_MISSED };
  }
  return {
    watch: { ...looked, baselines: [newer, taken], found: sinceNewer },
    settled: withoutLater(sinceOlder, sinceNewer),
  };
}
