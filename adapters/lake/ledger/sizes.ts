/** How long a ledger stays. */

/** Entries of one segment; the first of each is numbered 1, 1001, … A batch's entry has some 2 KB, so a segment has some 300 KB. */
export const SEGMENT_ENTRIES = 1_000;

/** The newest entries stay files of their own: who writes the next, or was held up for a while, finds them by their names. */
export const SINGLE_ENTRIES = 1_000;

/** Entries after which a new checkpoint is worth its writing: opening reads as many files at most, a fifth of a second. */
export const CHECKPOINT_EVERY = 1_000;
