import { NONE_MISSED, withoutLater, type Missed, type Watch } from '../../model/missed';
import type { Watermark } from '../../model/watermark';
import type { Horizon, OrdersSource } from '../interfaces';

export interface Look {
  /** `null`: nothing to go by, the next look begins anew. */
  watch: Watch | null;
  /** Missed rows that the watch has let go of: to be added to those of the looks before. */
  settled: Missed;
}

/**
 * Looks for rows that capture can no longer see, because a client set their created_at to the past or left it NULL.
 *
 * From a baseline (highest id B, watermark W) on, a row is missed if it has a higher id than B and a place at or before W,
 * or if there are more rows between W and the watermark of now than were published. Both are counted anew at each look,
 * so looking twice, or by two workers, counts nothing twice. Rows above the watermark are not missed: the horizon keeps
 * the watermark below whatever open transactions may still commit with a created_at of their own start.
 *
 * A baseline is given up only for a later one, and only when all transactions that were open at the later one have
 * ended: an id is given out before its row is visible, so until then one of theirs may be below B. Ids must rise, as
 * those of a sequence do. Deleted rows can hide missed ones; a created_at that was changed can look like one.
 */
export async function lookBehind(
  source: Pick<OrdersSource, 'lookBehind'>,
  { watch, after, horizon }: { watch: Watch | null; after: Watermark; horizon: Horizon },
): Promise<Look> {
  const baselines = watch?.baselines ?? [];
  const seen = await source.lookBehind({ baselines, upTo: after }).catch(() => undefined);
  // It only watches: where it fails or takes too long, the rows to capture come first.
  if (seen === undefined) return { watch: null, settled: NONE_MISSED };

  const taken = { orderId: seen.highestOrderId, watermark: after, published: 0, takenAt: seen.clock };
  const [older, newer] = baselines;
  const [sinceOlder = NONE_MISSED, sinceNewer = NONE_MISSED] = seen.missed;
  const looked = { lookedAt: seen.clock };
  if (older === undefined || newer === undefined) {
    const both = older === undefined ? [taken] : [older, taken];
    return { watch: { ...looked, baselines: both, found: sinceOlder }, settled: NONE_MISSED };
  }
  if (horizon.before === undefined || horizon.before <= newer.takenAt) {
    return { watch: { ...looked, baselines, found: sinceOlder }, settled: NONE_MISSED };
  }
  return {
    watch: { ...looked, baselines: [newer, taken], found: sinceNewer },
    settled: withoutLater(sinceOlder, sinceNewer),
  };
}
