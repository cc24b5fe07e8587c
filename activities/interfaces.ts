/**
 * What the activities need of the world, and nothing more. `adapters/` implements these over PostgreSQL,
 * Kafka and a file system; every quirk of a library stays there.
 *
 * Every method rejects with a {@link LastingFailure} where no retry can help and with any other error for an
 * outage. Every method that may run long takes a `signal` and rejects soon after it is aborted.
 */
import type { Baseline, Missed } from '../model/missed';
import type { FailureCode, Order } from '../model/order';
import type { Offsets, OffsetRange, Window } from '../model/ranges';
import type { Reset } from '../model/requests';
import type { Watermark } from '../model/watermark';

/** Who keeps the late-commit horizon back. */
export interface Hold {
  kind: 'open transaction' | 'prepared transaction';
  /** For a person: `pid 4711, role app, application "importer", idle in transaction`. */
  who: string;
  /** UTC, when the transaction began (an open one) or was prepared. */
  since: string;
}

/**
 * The moment below which the orders table can no longer change by commits still to come.
 * Must be taken before the snapshot that reads.
 */
export interface Horizon {
  /** UTC text as in {@link Watermark.createdAt}; rows with created_at before it are final. `undefined`: no row is. */
  before: string | undefined;
  /** The server's clock, UTC. */
  clock: string;
  /** The oldest transaction that holds it back, if one does. */
  heldBy?: Hold;
}

/** The orders table. */
export interface OrdersSource {
  /**
   * Looks at table, rights and server once, before anything is done.
   * Warnings are lasting but harmless (a missing index). LastingFailure SchemaMismatch, InsufficientPrivilege
   * or InvalidSettings, with the SQL that mends it.
   */
  check(): Promise<{ warnings: string[] }>;

  /** LastingFailure InsufficientPrivilege where some transaction cannot be seen: a guess could lose rows. */
  horizon(): Promise<Horizon>;

  /** The first `limit` rows after `after` with created_at before `before`: their last place and number; `undefined` if none. */
  nextWindow(options: {
    after: Watermark;
    before: string;
    limit: number;
  }): Promise<{ upper: Watermark; rows: number } | undefined>;

  /**
   * In one snapshot: the highest order_id (the lowest there can be, for an empty table), and what was missed since each
   * baseline, capture having come to `upTo`. The clock is read after the snapshot. Rejects after some seconds.
   * `undefined` where the table lacks the indexes that make this cheap.
   */
  lookBehind(options: {
    baselines: readonly Baseline[];
    upTo: Watermark;
  }): Promise<{ highestOrderId: string; clock: string; missed: Missed[] } | undefined>;

  /** Exactly the rows of a window, in order, in the wire format, in chunks; one statement, so one snapshot. */
  read(window: Window, options: { signal: AbortSignal }): AsyncIterable<readonly OutgoingMessage[]>;

  close(): Promise<void>;
}

/** One message to publish. */
export interface OutgoingMessage {
  /** order_id in decimal, or null where the row has none. */
  key: string | null;
  /** The wire format's JSON, UTF-8. */
  value: Buffer;
}

/** Where a row is kept that is larger than the topic takes. */
export interface KeptRow {
  /** Relative to the quarantine folder. */
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
  keep(row: OutgoingMessage): Promise<KeptRow>;
}

/** What the last committed publish of this pipeline did; kept in Kafka, in the same transaction as the rows. */
export interface Progress extends Window {
  /** 1 for the pipeline's first window, rising by one. */
  sequence: number;
  rows: number;
}

/** One message as read from the topic. */
export interface IncomingMessage {
  partition: number;
  offset: bigint;
  /** Broker or producer timestamp, milliseconds since 1970. */
  timestampMillis: number;
  key: Buffer | null;
  value: Buffer | null;
}

/** The orders topic. */
export interface OrdersTopic {
  /**
   * Creates the topic if it does not exist. Idempotent.
   * LastingFailure TopicMismatch where it exists with another number of partitions.
   */
  ensure(): Promise<void>;

  /** The progress record, or `undefined` before the first publish. */
  progress(): Promise<Progress | undefined>;

  /**
   * Publishes one window's rows and its progress record in one Kafka transaction.
   *
   * Idempotency key: (sequence, lower, upper). Older attempts are fenced first; a window whose record is
   * already there is not read again, and its recorded row count is returned with `already: true`.
   * `rows` is called at most once, after fencing. LastingFailure CaptureConflict where the record is of a
   * newer sequence, or of this sequence with another window, or lags behind by more than one.
   *
   * `onOversized` is asked for every row that is larger than the topic takes, and gives what is sent in its
   * place under the row's key; each attempt asks anew.
   */
  publish(
    window: Window & { sequence: number },
    rows: () => AsyncIterable<readonly OutgoingMessage[]>,
    options: {
      signal: AbortSignal;
      onProgress: (rowsSoFar: number) => void;
      onOversized: (row: OutgoingMessage) => Promise<OutgoingMessage>;
    },
  ): Promise<{ rows: number; already: boolean }>;

  /**
   * Writes the progress record again as it stands, so that Kafka does not forget it; fences as {@link publish} does.
   * LastingFailure CaptureConflict, with nothing written, where the record is not of this sequence.
   */
  renewProgress(sequence: number, options: { signal: AbortSignal }): Promise<void>;

  /** Per partition: the earliest offset kept and the last stable offset (next offset a read_committed reader may reach). */
  offsets(): Promise<{ earliest: Offsets; stable: Offsets }>;

  /** Resolves once some partition has a readable offset at or after `next`, or after `maxWaitMs`. */
  awaitMessages(next: Offsets, options: { maxWaitMs: number; signal: AbortSignal }): Promise<void>;

  /**
   * Committed messages of exactly these ranges, ranges in parallel, each range's messages in offset order,
   * in chunks. Ends only when every offset of every range has been accounted for.
   * LastingFailure DataLoss where Kafka no longer holds a range's first offset.
   */
  read(
    ranges: readonly OffsetRange[],
    options: { signal: AbortSignal },
  ): AsyncIterable<readonly IncomingMessage[]>;

  /** Sets the consumer group's offsets (for lag tools; nothing of ours reads them). Idempotent. */
  commitGroupOffsets(next: Offsets): Promise<void>;

  /** The partition to which {@link publish} sends a key; the same for ever, and the same as Java's default. */
  partitionOf(key: string): number;

  close(): Promise<void>;
}

/** A message that became a row of the lake. */
export interface AcceptedRow {
  order: Order & { orderId: bigint; createdAtMicros: bigint };
}

/** A message that failed, with every reason, and the columns that could be read. */
export interface QuarantinedRow {
  message: IncomingMessage;
  failures: readonly FailureCode[];
  order: Order;
}

/** One file that a batch wrote. */
export interface LakeFile {
  /** Relative to the lake or quarantine folder: `date=2025-11-18/part-0000000042-1a2b3c4d5e6f.parquet`. */
  path: string;
  rows: number;
  bytes: number;
  /** Hex. */
  sha256: string;
  /** Lowest and highest position in the file (lake files only). */
  first?: Watermark;
  last?: Watermark;
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
}

/** Names a micro-batch: same sequence and ranges, same file names and bytes. */
export interface BatchIdentity {
  sequence: number;
  ranges: readonly OffsetRange[];
}

/** A micro-batch in the hands of one landing: see {@link OrdersLake.open}. */
export interface OwnedBatch extends BatchIdentity {
  /** The epoch that opening the lake returned; writing under an older one than the newest is a LandingConflict. */
  epoch: number;
}

/** One line of the lake's own proof, `_ledger/<sequence>.json`. */
export interface LedgerEntry extends BatchIdentity, BatchManifest {
  /** Which opening of the lake wrote it; absent in entries of version 0.1.0. */
  epoch?: number;
  /** Offsets to read next, after this batch, for all partitions. */
  next: Offsets;
  /** The furthest offsets that were ever landed; beyond `next` only after a reset to earlier ones. */
  reached: Offsets;
  /** Why none of its offsets could be landed: it is parked until a replay. */
  parked?: { type: string; message: string };
  /** A batch that this entry lands again: its ranges are that batch's, its files take the place of that batch's. */
  supersedes?: number;
  /** Batches that are parked after this entry. */
  unlanded?: number[];
  /** The resets since the entry before: why this batch does not begin where that one ended. */
  resets?: Reset<Offsets>[];
  ruleSetVersion: number;
  /** Hex sha256 of the previous entry's bytes; empty in the first. */
  previousHash: string;
  /** ISO 8601, when it was committed. */
  committedAt: string;
}

/** The Parquet lake, its quarantine and its ledger. */
export interface OrdersLake {
  /** Creates the folders. LastingFailure LakeNotWritable where they cannot be written or renames are not possible. */
  ensure(): Promise<void>;

  /**
   * Takes the lake over: whoever opened it before can write nothing any more. Then removes what attempts left (temporary
   * files, files of batches after the ledger's last entry), and tells the place to go on from.
   * `opener`: the workflow's run, and when Temporal scheduled this attempt (milliseconds since 1970).
   *
   * Idempotent: every call takes an epoch of its own. LastingFailure LandingConflict for an attempt that was
   * scheduled before the present owner's, and where the ledger has lost entries.
   */
  open(opener: {
    runId: string;
    scheduledAt: number;
  }): Promise<{ epoch: number; last: LedgerEntry | undefined; removed: string[] }>;

  /**
   * Where a lake without entries begins: the first call decides, and its answer is kept. Otherwise offsets that Kafka
   * loses before the first batch would be passed over without a word by the next opening.
   */
  beginning(epoch: number, offsets: Offsets): Promise<Offsets>;

  /**
   * Writes the batch's files: one per date, quarantine likewise; temporary name, fsync, rename, fsync of folder.
   * Idempotent: same batch and rows, same names and bytes; what stands there equal is kept, and what is committed is never
   * replaced. LastingFailure LandingConflict under an old epoch, BatchNotLandable where the file system refuses a name.
   */
  writeBatch(
    batch: OwnedBatch,
    rows: { accepted: readonly AcceptedRow[]; quarantined: readonly QuarantinedRow[] },
    options: WriteOptions,
  ): Promise<{ files: LakeFile[]; quarantineFiles: LakeFile[] }>;

  /** Which of these orders stand already in the lake, in files of their date by these batches. Returns their indexes. */
  findLanded(
    batches: Batches,
    orders: readonly { orderId: bigint; createdAtMicros: bigint }[],
  ): Promise<Set<number>>;

  /** The same for quarantine: by (order_id, created_at) where both are known, else by the raw value's bytes. */
  findQuarantined(batches: Batches, rows: readonly QuarantinedRow[]): Promise<Set<number>>;

  /** Rows in the files that a batch has in lake and quarantine. */
  rowsOf(batch: BatchIdentity): Promise<{ landed: number; quarantined: number }>;

  /** The newest ledger entry, or `undefined` for a new lake. */
  lastEntry(): Promise<LedgerEntry | undefined>;

  /** The entry with this number, if there is one. */
  entry(sequence: number): Promise<LedgerEntry | undefined>;

  /** Numbers of the batches that have files of these dates (`2025-11-18`, UTC, both included) in lake or quarantine. */
  batchesOf(dates: { from: string; to: string }): Promise<number[]>;

  /** The batch's ledger entry, if it is committed. LastingFailure LandingConflict where other ranges took its sequence. */
  findCommitted(batch: BatchIdentity): Promise<LedgerEntry | undefined>;

  /**
   * Appends an entry, and clears away what other attempts of the batch are still writing; `previousHash` and
   * `committedAt` are filled in here. Never overwrites. With `supersedes`, the files that were written hidden then take
   * the place of that batch's: each date's rows are the old ones or the new ones for a reader.
   * Idempotency key: sequence and ranges; an entry that is already there with the same ranges is success.
   * LastingFailure LandingConflict under an old epoch, and where the sequence is taken by other ranges; this batch's own
   * files are removed before that is thrown.
   */
  commit(entry: NewLedgerEntry): Promise<void>;
}

/** Files of which batches count: those before a batch, or all but one that is being landed again. */
export type Batches = { before: number } | { except: number };

export interface WriteOptions {
  signal: AbortSignal;
  /**
   * An earlier attempt may have left files that this one does not write, since rules may have changed in between; those
   * are removed.
   */
  again?: boolean;
  /** Lands the batch again: its files stay hidden until the ledger entry with this number supersedes it. */
  hiddenFor?: number;
}

/** A ledger entry as its writer gives it; the ledger adds the rest. */
export type NewLedgerEntry = Omit<
  LedgerEntry,
  'previousHash' | 'committedAt' | 'ruleSetVersion' | 'epoch'
> & {
  epoch: number;
};
