import type { Offsets } from './ranges';
import { compareWatermarks, type Watermark } from './watermark';

/** Of rows without an id: they belong to no partition. */
export const NO_ID_BUCKET = 'null';

/** How many partitions the topic has, by the offsets of all of them. */
export function partitionsIn(offsets: Offsets): number {
  return Object.keys(offsets).length;
}

/**
 * The highest positions by bucket that were `made` with so many partitions, once the topic has another number. Orders are in other buckets then, each
 * of which may hold the highest of all: at or below it an order is looked up, and never taken for new unseen.
 */
export function marksFor(
  marks: Record<string, Watermark>,
  { made, partitions }: { made: number; partitions: number },
): Record<string, Watermark> {
  if (made === partitions) return marks;
  const { [NO_ID_BUCKET]: withoutId, ...others } = marks;
  const highest = Object.values(others).reduce<Watermark | undefined>(
    (max, mark) => (max === undefined || compareWatermarks(mark, max) > 0 ? mark : max),
    undefined,
  );
  return {
    ...(withoutId === undefined ? {} : { [NO_ID_BUCKET]: withoutId }),
    ...(highest === undefined
      ? {}
      : Object.fromEntries(Array.from({ length: partitions }, (_, bucket) => [String(bucket), highest]))),
  };
}
