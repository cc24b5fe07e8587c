import type { OffsetRange, Offsets } from './ranges';

/**
 * Ranges from `next` up to `stable`, at most `limit` offsets in all.
 *
 * The limit is shared evenly, and what a short partition leaves goes to the longer ones, so that partitions
 * advance together and orders land roughly in the order of their time.
 */
export function planRanges(next: Offsets, stable: Offsets, limit: number): OffsetRange[] {
  const waiting = Object.keys(next)
    .map((partition) => ({
      partition: Number(partition),
      from: BigInt(next[partition]!),
      to: BigInt(stable[partition] ?? next[partition]!),
    }))
    .filter(({ from, to }) => to > from)
    .sort((a, b) => Number(a.to - a.from - (b.to - b.from)) || a.partition - b.partition);

  let left = BigInt(limit);
  const ranges = waiting.map(({ partition, from, to }, index) => {
    const share = left / BigInt(waiting.length - index);
    const taken = to - from < share ? to - from : share;
    left -= taken;
    return { partition, from: from.toString(), to: (from + taken).toString() };
  });
  return ranges.filter(({ from, to }) => from !== to).sort((a, b) => a.partition - b.partition);
}

/** How many offsets up to `end` are not claimed yet. */
export function lagOf(next: Offsets, end: Offsets): number {
  return Object.entries(next).reduce((sum, [partition, offset]) => {
    const lag = BigInt(end[partition] ?? offset) - BigInt(offset);
    return lag > 0n ? sum + Number(lag) : sum;
  }, 0);
}

/** The offsets after a batch. */
export function offsetsAfter(next: Offsets, ranges: readonly OffsetRange[]): Offsets {
  return { ...next, ...Object.fromEntries(ranges.map(({ partition, to }) => [String(partition), to])) };
}
