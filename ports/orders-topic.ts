import type { LateRows } from '../domain/missed';
import type { OpenTransaction } from '../domain/open-transaction';
import type { Offsets, OffsetRange, Window } from '../domain/ranges';
import type { OutgoingMessage } from './orders-source';

/** What the last committed publish of this pipeline did; kept in Kafka, in the same transaction as the rows. */
export interface Progress extends Window {
  /** 1 for the pipeline's first window, rising by one. */
  sequence: number;
  rows: number;
  /** The topic that holds the rows; absent in records of version 0.2.0, and where the brokers know of no ids. */
  topicId?: string;
  /** The source of the rows, see domain/source-id.ts; absent in records of versions before 0.4.0. */
  sourceId?: string;
  /** As it was before the window; absent in records of versions before 0.4.0. */
  late?: LateRows;
  /** First run of the workflow that published it; absent in records of versions before 0.4.0. */
  firstRunId?: string;
}

/** One message as read from the topic. */
export interface IncomingMessage {
  partition: number;
  offset: bigint;
  /** Broker or producer timestamp, milliseconds since 1970. */
  timestampMillis: number;
  key: Buffer | null;
  value: Buffer | null;
  /** Why the record batch that begins here holds no messages; `value` is that batch as it is stored, for all offsets of it. */
  unreadable?: string;
}

/** Bounds of the topic for those who compare all of it with something else. */
export interface StableOffsets {
  earliest: Offsets;
  /** Everything below has been committed or aborted. At least what was written when they were asked for. */
  stable: Offsets;
  /** Per partition the first offset whose message is not older than `sinceMillis`; absent without it. */
  since?: Offsets;
  /** Transactions that kept `stable` below what was written, for longer than the timeout. */
  heldBack: OpenTransaction[];
  /** The partitions where that is so. */
  held: number[];
}

/** The orders topic. */
export interface OrdersTopic {
  readonly name: string;

  /**
   * Creates the topic if it does not exist. Idempotent.
   * NonRetryableError TopicMismatch where it exists with fewer partitions than the settings ask for.
   */
  ensure(): Promise<void>;

  /**
   * Looks whether the topic's settings let messages in, and let them stay until they land; what may not be seen is passed over.
   * NonRetryableError TopicMismatch where nothing could be published, with the command that mends it.
   */
  check(): Promise<{ warnings: string[] }>;

  /** The id that the topic has had since it was created; `undefined` where the brokers know of no ids. */
  id(): Promise<string | undefined>;

  /** The progress record, or `undefined` before the first publish. */
  progress(): Promise<Progress | undefined>;

  /**
   * Publishes one window's rows and its progress record in one Kafka transaction.
   *
   * Idempotency key: (sequence, lower, upper). Older attempts are fenced first; a window whose record is
   * already there is not read again, and its recorded row count is returned with `already: true`.
   * `rows` is called at most once, after fencing. NonRetryableError CaptureConflict where the record is of a
   * newer sequence, or of this sequence with another window, or lags behind by more than one.
   *
   * With `topicId`, CaptureConflict where the topic is another one, before the commit at the latest. With `afterReset`, a record
   * that is gone is no conflict: an operator has said from where to publish again. Returns the id of the topic written to.
   *
   * `late` and `firstRunId` are kept with the record, and so is what `source` gives once the rows were read: which source they are of.
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
      topicId?: string;
      afterReset?: boolean;
      late?: LateRows;
      firstRunId?: string;
      source?: () => string | undefined;
    },
  ): Promise<{ rows: number; already: boolean; topicId?: string; sourceId?: string }>;

  /**
   * Writes the progress record again as it stands, so that Kafka does not forget it; fences as {@link publish} does.
   * NonRetryableError CaptureConflict, with nothing written, where the record is not of this sequence.
   */
  renewProgress(sequence: number, options: { signal: AbortSignal }): Promise<void>;

  /**
   * Per partition that the topic has now: the earliest offset kept, the last stable offset (next offset a read_committed reader may reach) and
   * the high watermark, which is beyond it while transactions are open.
   * `topicId`, if it is known, was looked up before them: they are of that topic or of one made after it.
   */
  offsets(): Promise<{ earliest: Offsets; stable: Offsets; high: Offsets; topicId?: string }>;

  /**
   * The transactions of other producers that begin at these places: last stable offsets that stay below the high watermark.
   * Reads only.
   */
  openTransactions(places: readonly { partition: number; offset: bigint }[]): Promise<OpenTransaction[]>;

  /**
   * Waits, for seconds at most, until what is in the topic now can be read: a commit is answered before its markers are written, so
   * the last stable offset may still be below it.
   *
   * @param options.sinceMillis for `since`: milliseconds since 1970, compared with the messages' own timestamps
   */
  stableOffsets(options: { signal: AbortSignal; sinceMillis?: number | undefined }): Promise<StableOffsets>;

  /** Resolves once some partition has a readable offset at or after `next`, or after `maxWaitMs`. */
  awaitMessages(next: Offsets, options: { maxWaitMs: number; signal: AbortSignal }): Promise<void>;

  /**
   * Gives `take` the committed messages of exactly these ranges: ranges in parallel, each range's messages in offset order, in
   * chunks, the next chunk of a range when `take` is done with the one before. Resolves when every offset of every range has been
   * accounted for; nothing is given after a rejection.
   * NonRetryableError DataLoss where Kafka no longer holds a range's first offset; also where the topic is not the one that
   * `topicId` names, at the end at the latest: all that was read is worth nothing then.
   */
  read(
    ranges: readonly OffsetRange[],
    take: (messages: readonly IncomingMessage[], range: OffsetRange) => void | Promise<void>,
    options: { signal: AbortSignal; topicId?: string | undefined },
  ): Promise<void>;

  /** The consumer group's offsets; only partitions that it has some of. */
  groupOffsets(): Promise<Offsets>;

  /** Sets the consumer group's offsets: for lag tools, and as a witness of a ledger that is lost. Idempotent. */
  commitGroupOffsets(next: Offsets): Promise<void>;

  /** The partition to which {@link publish} sends a key while the topic has so many; the same as Java's default. */
  partitionOf(key: string, partitions: number): number;

  close(): Promise<void>;
}
