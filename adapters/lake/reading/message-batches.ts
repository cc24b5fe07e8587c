/** Which batch read a message, where the file that holds it does not tell: merged files hold rows of many. */
import type { LiveFile, Storage } from '../../../ports';
import { walkLedger } from '../ledger';

export interface Message {
  partition: number;
  offset: string;
  /** The batches that may have read it, as rising ranges. */
  within: LiveFile['batches'];
}

/** For each message the first batch within its ranges that has its offset. Walks the entries from the first to the last of these. */
export async function batchesAt(
  lake: Storage,
  messages: readonly Message[],
): Promise<(number | undefined)[]> {
  const batches = new Array<number | undefined>(messages.length);
  if (messages.length === 0) return batches;
  const wanted = messages
    .map(({ within, partition, offset }, index) => ({ within, partition, offset: BigInt(offset), index }))
    .sort((a, b) => a.partition - b.partition || (a.offset < b.offset ? -1 : a.offset > b.offset ? 1 : 0));
  const ranges = wanted.flatMap(({ within }) => within);
  const first = ranges.reduce((least, [from]) => Math.min(least, from), Infinity);
  const last = ranges.reduce((most, [, to]) => Math.max(most, to), 0);
  for await (const { entry } of walkLedger(lake, first - 1)) {
    if (entry === undefined) continue;
    if (entry.sequence > last) break;
    if (entry.supersedes !== undefined) continue;
    for (const range of entry.ranges) {
      const [from, to] = [BigInt(range.from), BigInt(range.to)];
      for (let at = lowest(wanted, range.partition, from); ; at += 1) {
        const one = wanted[at];
        if (one === undefined || one.partition !== range.partition || one.offset >= to) break;
        if (one.within.some(([a, b]) => a <= entry.sequence && entry.sequence <= b))
          batches[one.index] ??= entry.sequence;
      }
    }
  }
  return batches;
}

/** Where in the sorted list the partition's first message from this offset on is. */
function lowest(
  wanted: readonly { partition: number; offset: bigint }[],
  partition: number,
  from: bigint,
): number {
  let [low, high] = [0, wanted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const one = wanted[middle]!;
    if (one.partition < partition || (one.partition === partition && one.offset < from)) low = middle + 1;
    else high = middle;
  }
  return low;
}
