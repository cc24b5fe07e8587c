import type { DamagedFile, LakeIdentity } from '../domain/damaged';
import type { FailureCode, Row } from '../domain/table/table';
import type { Offsets } from '../domain/ranges';
import type { Merge } from '../domain/merge';
import type { BatchIdentity, Beginning, LakeFile, LedgerEntry, NewLedgerEntry } from './ledger';
import type { OutgoingMessage } from './orders-source';
import type { IncomingMessage } from './orders-topic';

/** Where a row is kept that is larger than the topic takes. */
export interface ClaimCheck {
  /** Relative to the quarantine directory. */
  file: string;
  bytes: number;
  /** Hex, of the file. */
  sha256: string;
}

/** The rows that are larger than the topic takes, whole. */
export interface OversizedRows {
  /**
   * Keeps a row's JSON as it is; resolves when it is on the disk.
   * Idempotency key: the row's key and bytes. A row that is there already is found equal and not written again.
   */
  keep(row: OutgoingMessage): Promise<ClaimCheck>;
}

/** A message that became a row of the lake. */
export interface AcceptedRow {
  /** With key and position. */
  order: Row;
}

/** A message that failed, with every reason, and the columns that could be read. */
export interface QuarantinedRow {
  message: IncomingMessage;
  failures: readonly FailureCode[];
  order: Row;
}

/** A micro-batch in the hands of one landing: see {@link OrdersLake.open}. */
export interface OwnedBatch extends BatchIdentity {
  /** The epoch that opening the lake returned; writing under an older one than the newest is a LandingConflict. */
  epoch: number;
}

/** The Parquet lake, its quarantine and its ledger. */
export interface OrdersLake {
  /** Creates the directories. NonRetryableError LakeNotWritable where they cannot be written or renames are not possible. */
  ensure(): Promise<void>;

  /**
   * Takes the lake over: whoever opened it before can write nothing any more. Then removes what attempts left (temporary
   * files, files of batches after the ledger's last entry), and tells the place to go on from.
   * `owner`: the workflow's run, and when Temporal scheduled this attempt (milliseconds since 1970).
   *
   * Idempotent: every call takes an epoch of its own. NonRetryableError LandingConflict for an attempt that was
   * scheduled before the present owner's, LakeMismatch where the ledger has lost entries or is gone.
   */
  open(owner: {
    runId: string;
    scheduledAt: number;
    /** First run of the workflow; continuing as new and a reset keep it. */
    firstRunId?: string;
    /** Only if this very workflow, by its first run, opened it last. NonRetryableError LandingConflict otherwise. */
    onlyOwn?: boolean;
    /** How far the consumer group says that landing came: beyond the ledger where that has lost entries. */
    landed?: Offsets;
    /** Take the lake as it is, and put files that no entry lists into its `_aside`. */
    accept?: boolean;
  }): Promise<OpenedLake>;

  /**
   * Whether the lake is there and is the one that the landing knows; returns what it is known by. Throws what is retried where
   * it is gone, as a disk that is not mounted; NonRetryableError LakeMismatch where another one stands in its place.
   */
  confirm(known: KnownLake): Promise<LakeIdentity | undefined>;

  /**
   * Where a lake without entries begins: the first call decides, and its answer is kept. Otherwise offsets that Kafka
   * loses before the first batch would be passed over without a word by the next opening.
   */
  beginning(epoch: number, place: Beginning): Promise<Beginning>;

  /**
   * Writes the batch's files: one per date, quarantine likewise; temporary name, fsync, rename, fsync of directory.
   * Idempotent: same batch and rows, same names and bytes; what stands there equal is kept, and what is committed is never
   * replaced. NonRetryableError LandingConflict under an old epoch, BatchNotLandable where the file system refuses a name.
   */
  writeBatch(
    batch: OwnedBatch,
    rows: { accepted: readonly AcceptedRow[]; quarantined: readonly QuarantinedRow[] },
    options: WriteOptions,
  ): Promise<{ files: LakeFile[]; quarantineFiles: LakeFile[] }>;

  /**
   * Which of these orders stand already in the lake, in files of their date by these batches. Only files count that the
   * ledger lists and that are as it says; one that is damaged or of somebody else is told, and its rows may land again.
   */
  findLanded(batches: Batches, orders: readonly Row[]): Promise<Found>;

  /**
   * The same for quarantine: by (order_id, created_at) where both are known, by the raw value's bytes where the id is not, and
   * by partition and offset where there is no created_at.
   */
  findQuarantined(batches: Batches, rows: readonly QuarantinedRow[]): Promise<Found>;

  /** Which of these files still are not what the ledger says. */
  stillDamaged(files: readonly DamagedFile[]): Promise<DamagedFile[]>;

  /** The files that the ledger lists for a batch, after its replays: those that are as it says, and the others. */
  filesOf(batch: number): Promise<{
    whole: { files: LakeFile[]; quarantineFiles: LakeFile[] };
    lost: LakeFile[];
  }>;

  /**
   * A step of a walk round the ledger, at most one a second: the files of `known` that still are damaged, and those of the
   * next entries that are missing or of another size. `newest`: the last entry's number.
   */
  patrol(newest: number, known: readonly DamagedFile[]): Promise<DamagedFile[]>;

  /** Removes what attempts of a batch have written that is not committed: it has failed. */
  discard(batch: OwnedBatch): Promise<void>;

  /** Rows in the files that a batch has in lake and quarantine; damaged ones hold none. */
  rowsOf(batch: BatchIdentity): Promise<{ landed: number; quarantined: number }>;

  /** The newest ledger entry, or `undefined` for a new lake. */
  lastEntry(): Promise<LedgerEntry | undefined>;

  /** The entry with this number, if there is one. NonRetryableError BatchNotLandable where it cannot be read. */
  entry(sequence: number): Promise<LedgerEntry | undefined>;

  /** Numbers of the batches that have files of these dates (`2025-11-18`, UTC, both included) in lake or quarantine. */
  batchesOf(dates: { from: string; to: string }): Promise<number[]>;

  /** The batch's ledger entry, if it is committed. NonRetryableError LandingConflict where other ranges, or another topic's, took its sequence. */
  findCommitted(batch: BatchIdentity): Promise<LedgerEntry | undefined>;

  /**
   * Appends an entry, and clears away what other attempts of the batch are still writing; `previousHash` and
   * `committedAt` are filled in here. Never overwrites. With `supersedes`, the files that were written hidden then take
   * the place of that batch's: each date's rows are the old ones or the new ones for a reader.
   * Idempotency key: sequence and ranges; an entry that is already there with the same ranges is success.
   * NonRetryableError LandingConflict under an old epoch, and where the sequence is taken by other ranges; this batch's own
   * files are removed before that is thrown.
   */
  commit(entry: NewLedgerEntry): Promise<{ hash: string }>;

  /**
   * Writes files of a date that are to become one into a hidden file; `undefined` where none are. Anybody may ask; it counts for nothing
   * before {@link commit} has an entry for it.
   */
  mergeNext(options: MergeOptions): Promise<{ merge: Merge; bytes: number } | undefined>;

  /** Why such files cannot become one now, if they cannot: something else has happened to them. */
  mergeProblem(merge: Merge): Promise<string | undefined>;

  /**
   * Keeps the ledger short: writes a checkpoint once the newest is a thousand entries behind, and folds entries into segments, all
   * but the newest thousand. Anybody may ask, also beside a landing, and go on where another one was interrupted.
   */
  checkpoint(options: { signal: AbortSignal }): Promise<CheckpointResult>;
}

export interface MergeOptions {
  targetBytes: number;
  /** What an operator asked for: these dates (`2025-11-18`), or all where there are none, as if nothing had landed in them for a while. */
  asked?: { dates?: string[] };
  signal: AbortSignal;
}

/** What {@link OrdersLake.checkpoint} did. */
export interface CheckpointResult {
  /** The entry of the newest checkpoint; 0 where there is none. */
  checkpoint: number;
  /** Entries that went into segments, the bytes of these, and how many files of entries were removed. */
  folded: number;
  bytes: number;
  removed: number;
  /** There is more to fold: ask again. */
  more: boolean;
  /** What was left as it is, and why; for people. */
  blocked: string[];
}

/** What a landing knows of its lake. */
export interface KnownLake {
  /** Absent in states of versions before 0.4.0, and in lakes that were not opened since. */
  lake?: LakeIdentity;
  /** The ledger's newest entry; 0 where there is none. */
  sequence: number;
}

/** A lake that was taken over. */
export interface OpenedLake {
  epoch: number;
  last: LedgerEntry | undefined;
  /** Hex SHA-256 of the last entry; absent where there is none. */
  hash?: string;
  identity: LakeIdentity;
  damaged: DamagedFile[];
  removed: string[];
}

/**
 * Files of which batches count: those before a batch, or all but one that is being landed again. Where offsets tell, only
 * those from `topicSince` on, the first batch of the topic.
 */
export type Batches = ({ before: number } | { except: number }) & { topicSince?: number };

export interface WriteOptions {
  signal: AbortSignal;
  /**
   * An earlier attempt may have left files that this one does not write, since rules may have changed in between; those
   * are removed.
   */
  again?: boolean;
  /** Lands the batch again: its files stay hidden until the ledger entry with this number supersedes it. */
  hiddenFor?: number;
  /** NonRetryableError BatchTooWide, before anything is written, where the batch has rows for more dates than this. */
  mostFiles?: number;
}

/** What a look-up found. */
export interface Found {
  /** Of the rows asked for. */
  indexes: Set<number>;
  /** Files of their dates that do not count. */
  damaged: DamagedFile[];
}
