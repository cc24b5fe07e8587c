/** Which files of a date become one. Small ones come first, and like is merged with like, so that a row is rewritten few times. */

/** What a plan needs to know of a file. */
export interface Mergeable {
  path: string;
  bytes: number;
  /** Batches whose rows it may hold, as rising ranges. */
  batches: (readonly [from: number, to: number])[];
}

export interface PlanOptions {
  targetBytes: number;
  /** Nothing has landed in the date for a while: what is small is merged whatever its size. */
  quiet: boolean;
  /** Files with rows of batches before and from this one on are not merged with each other: of the quarantine, whose offsets tell rows apart. */
  apart?: number;
}

/** Below this, and then in steps of {@link STEP}, files are of one tier. A batch of a trickle has some 5 KiB. */
const SMALLEST = 32 * 1024;
const STEP = 8;
/** Files of the lowest tier that become one: at six a second one merge in 20 s, and never 300 in a date. */
const SMALL_FILES = 128;
/** Files of a higher tier that become one. */
const FILES = 8;
/** A quiet date keeps this many small ones: a late row is not worth a rewrite of what is there. */
const LEFT = 4;
/** Of one merge: each is a name of 45 bytes in two histories. */
const MOST_FILES = 1_000;

/** The files to merge now, at least two; `undefined` where there is nothing to do. */
export function planMerge<T extends Mergeable>(
  files: readonly T[],
  { targetBytes, quiet, apart = 0 }: PlanOptions,
): T[] | undefined {
  const small = files.filter(({ bytes }) => bytes < targetBytes / 2);
  const groups = [
    small.filter(({ batches }) => batches.every(([, to]) => to < apart)),
    small.filter(({ batches }) => batches.every(([from]) => from >= apart)),
  ];
  for (const group of groups) {
    const ordered = [...group].sort((a, b) => firstBatch(a) - firstBatch(b));
    const tiers = new Map<number, T[]>();
    for (const file of ordered) {
      const tier = tierOf(file);
      tiers.set(tier, [...(tiers.get(tier) ?? []), file]);
    }
    for (const [tier, inTier] of [...tiers].sort(([a], [b]) => a - b))
      if (inTier.length >= (tier === 0 ? SMALL_FILES : FILES)) return within(inTier, targetBytes);
    if (quiet && group.length > LEFT)
      return within(
        ordered.sort((a, b) => a.bytes - b.bytes),
        targetBytes,
      );
  }
  return undefined;
}

function tierOf({ bytes }: Mergeable): number {
  return bytes < SMALLEST ? 0 : 1 + Math.floor(Math.log(bytes / SMALLEST) / Math.log(STEP));
}

function firstBatch({ batches }: Mergeable): number {
  return batches[0]?.[0] ?? 0;
}

/** The first ones that are together not larger than the target; two at least. */
function within<T extends Mergeable>(files: readonly T[], targetBytes: number): T[] {
  const chosen: T[] = [];
  let bytes = 0;
  for (const file of files) {
    if (chosen.length >= MOST_FILES || (chosen.length >= 2 && bytes + file.bytes > targetBytes)) break;
    chosen.push(file);
    bytes += file.bytes;
  }
  return chosen;
}
