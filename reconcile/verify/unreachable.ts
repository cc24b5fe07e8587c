/** Rows of the source that no period holds, or that lie beyond it and are not on their way: nothing else would name them. */
import { LOWEST_ORDER_ID } from '../../domain/watermark';
import type { Unreachable } from '../../domain/unreachable';
import type { Bounds } from './bounds';
import type { Period } from '../../domain/row-sums';
import type { OpenRows } from '../../ports';

/**
 * Without a created_at a row belongs to every period. Beyond a bound that the caller asked for nothing is looked for; where he
 * asked for none, what is after the end is on its way, unless it lies in the future or capture has passed it over.
 */
export async function unreachableRows(
  source: OpenRows,
  { from, to }: Period,
  { clock, gaps, fromIsGiven, toIsGiven }: Bounds,
): Promise<Unreachable[]> {
  const end = { createdAt: to, orderId: LOWEST_ORDER_ID };
  const beyond = gaps
    .filter(({ upTo }) => !toIsGiven && upTo.createdAt > to)
    .map((gap) => (gap.after.createdAt < to ? { ...gap, after: end } : gap));
  const found = await source.unreachable({ clock, gaps: beyond });
  return found.filter(({ kind, from: first }) => {
    switch (kind) {
      case '-infinity':
      case 'before year 1':
        return !fromIsGiven;
      case 'infinity':
      case 'after year 9999':
        return !toIsGiven;
      case 'in the future':
        return !toIsGiven || (first !== null && first >= from && first < to);
      default:
        return true;
    }
  });
}
