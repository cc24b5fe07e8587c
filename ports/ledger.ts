/** What the lake's ledger says: of batches, and of the files that they wrote. */
import type { DamagedFile } from '../domain/damaged';
import type { FailureCode } from '../domain/table/table';
import type { Offsets, OffsetRange } from '../domain/ranges';
import type { Reset } from '../domain/requests';
import type { Watermark } from '../domain/watermark';

/** One file that a batch wrote. */
export interface LakeFile {
  /** Relative to the lake or quarantine directory: `date=2025-11-18/part-0000000042-1a2b3c4d5e6f.parquet`. */
  path: string;
  rows: number;
  bytes: number;
  /** Hex. */
  sha256: string;
  /** Lowest and highest position in the file (lake files only). */
  first?: Watermark;
  last?: Watermark;
}

/** A file that counts: what an entry listed and no later one has taken away. */
export interface LiveFile extends LakeFile {
  /** The entry that lists it: its batch's own, a replay's, or the merge that made it. */
  entry: number;
  /** The batches whose rows it holds, as rising ranges, both ends included; one batch but for merged files. */
  batches: [from: number, to: number][];
}

/** What one micro-batch did; goes through workflow history, so it holds counts and names, never rows. */
export interface BatchManifest {
  files: LakeFile[];
  quarantineFiles: LakeFile[];
  counts: {
    /** Messages read. Equals landed + duplicate + quarantined. */
    read: number;
    landed: number;
    duplicate: number;
    quarantined: number;
    /** Messages per failing rule; a message may break several. */
    failures: Partial<Record<FailureCode, number>>;
  };
  /** The newest created_at and commit-to-land figures for freshness; `undefined` in an empty batch. */
  newestCreatedAt?: string;
  /** The highest position that ever landed or was quarantined, this batch included, by the partition that the id belongs to. */
  highWater: Record<string, Watermark>;
  /** Files that a look-up for duplicates had to leave out; absent where there was none. In no ledger entry. */
  damaged?: DamagedFile[];
}

/** Names a micro-batch: same sequence and ranges, same file names and bytes. */
export interface BatchIdentity {
  sequence: number;
  ranges: readonly OffsetRange[];
  /** The topic that the offsets are of. Absent in batches of version 0.2.0, and where the brokers know of no ids. */
  topicId?: string;
}

/** Where a lake without entries begins. */
export interface Beginning {
  begin: Offsets;
  /** As in {@link BatchIdentity}. */
  topicId?: string;
}

/** One line of the lake's own proof, `_ledger/<sequence>.json`. */
export interface LedgerEntry extends BatchIdentity, BatchManifest {
  /** Which opening of the lake wrote it; absent in entries of version 0.1.0. */
  epoch?: number;
  /** Number of the first batch of the topic `topicId`; absent where the lake knows of no topic before it. */
  topicSince?: number;
  /** Offsets to read next, after this batch, for all partitions. */
  next: Offsets;
  /** The furthest offsets that were ever landed; beyond `next` only after a reset to earlier ones. */
  reached: Offsets;
  /** Why none of its offsets could be landed: it has failed until a replay. */
  parked?: { type: string; message: string };
  /** A batch that this entry lands again: its ranges are that batch's, its files take the place of that batch's. */
  supersedes?: number;
  /**
   * Rows move from these files, of one part and one date, into the entry's only file, which stands in `files` or `quarantineFiles`.
   * Such an entry has no ranges and no counts, and leaves the offsets where they were.
   */
  merged?: { inputs: string[] };
  /** Failed batches after this entry. */
  unlanded?: number[];
  /** Files that were found not to be what the ledger says, and are so after this entry, as far as is known. */
  damaged?: DamagedFile[];
  /** Its batch's messages are gone from Kafka, and so are some of its files: what they held is given up here. */
  withdrawn?: { files: string[]; rows: number };
  /** The resets since the entry before: why this batch does not begin where that one ended. */
  resets?: Reset<Offsets>[];
  ruleSetVersion: number;
  /** Hex sha256 of the previous entry's bytes; empty in the first. */
  previousHash: string;
  /** ISO 8601, when it was committed. */
  committedAt: string;
}

/** A ledger entry as its writer gives it; the ledger adds the rest. */
export type NewLedgerEntry = Omit<
  LedgerEntry,
  'previousHash' | 'committedAt' | 'ruleSetVersion' | 'epoch'
> & {
  epoch: number;
  /** What the entry before is known to be, if it is: another one was changed since. */
  previousHash?: string;
};
