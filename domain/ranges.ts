import type { Watermark } from './watermark';

/** Rows strictly after `lower`, up to and including `upper`, in watermark order. */
export interface Window {
  lower: Watermark;
  upper: Watermark;
}

/** Offsets `[from, to)` of one Kafka partition; decimal text, because offsets are 64-bit. */
export interface OffsetRange {
  partition: number;
  from: string;
  to: string;
}

/** A place in a topic: partition number (as JSON key) to the next offset to read. */
export type Offsets = Record<string, string>;

/** `0: 42, 1: 7`. */
export function formatOffsets(offsets: Offsets): string {
  return Object.entries(offsets)
    .map(([partition, offset]) => `${partition}: ${offset}`)
    .join(', ');
}

/** How many offsets the ranges span. Transaction markers take offsets too, so this bounds the messages from above. */
export function spanOf(ranges: readonly OffsetRange[]): number {
  return ranges.reduce((sum, range) => sum + Number(BigInt(range.to) - BigInt(range.from)), 0);
}

/** Human text of ranges: `0: 10..42, 2: 7..9` (`to` exclusive). */
export function formatRanges(ranges: readonly OffsetRange[]): string {
  return ranges.map(({ partition, from, to }) => `${partition}: ${from}..${to}`).join(', ');
}
