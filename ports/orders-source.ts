import type { Gap } from '../domain/gaps';
import type { Hold } from '../domain/hold';
import type { Baseline, Missed } from '../domain/missed';
import type { Window } from '../domain/ranges';
import type { Unreachable } from '../domain/unreachable';
import type { Watermark } from '../domain/watermark';

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

export interface Inspection {
  warnings: string[];
  /** Which source it is: see domain/source-id.ts. */
  sourceId: string;
}

/**
 * The orders table. Each method but `horizon` looks at the table's shape in the snapshot in which it reads: a change that does no
 * harm is taken over, any other is a NonRetryableError before a row is used. With `sourceId`, the source must be that one:
 * CaptureConflict for another database, SchemaMismatch for another table, or one whose rows have another created_at than
 * they were captured with.
 */
export interface OrdersSource {
  /**
   * Looks at table, rights and server once, before anything is done.
   * Warnings are lasting but harmless (a missing index). NonRetryableError SchemaMismatch, InsufficientPrivilege
   * or InvalidSettings, with the SQL that mends it.
   */
  check(): Promise<Inspection>;

  /** The last look at all that {@link check} looks at; another object after each. `undefined` before the first. */
  inspected(): Inspection | undefined;

  /**
   * NonRetryableError InsufficientPrivilege where some transaction cannot be seen: a guess could lose rows. A transient error where the
   * server has become a standby, which shows no transactions.
   */
  horizon(): Promise<Horizon>;

  /**
   * The first `limit` rows after `after` with created_at before `before`: their last place and number; `undefined` if none.
   * Rejects with `TableLocked` where it had to wait for a lock.
   */
  nextWindow(options: {
    after: Watermark;
    before: string;
    limit: number;
    sourceId?: string | undefined;
  }): Promise<{ upper: Watermark; rows: number; oldest: string } | undefined>;

  /** In one snapshot. Rejects after some seconds. */
  detectLateRows(options: LookOptions): Promise<Seen>;

  /** Exactly the rows of a window, in order, in the wire format, in chunks; one statement, so one snapshot. */
  read(
    window: Window,
    options: { signal: AbortSignal; sourceId?: string | undefined },
  ): AsyncIterable<readonly OutgoingMessage[]>;

  close(): Promise<void>;
}

export interface LookOptions {
  baselines: readonly Baseline[];
  /** How far capture has come. */
  upTo: Watermark;
  /** Rows there are not missed. */
  gaps: readonly Gap[];
  /** The database's clock, UTC, before the look. */
  clock: string;
  sourceId?: string | undefined;
  /** An order_id is taken to be given out at most this long before its row's created_at. */
  idAgeMs: number;
  /** `transaction` of the look before; absent for none. */
  since?: string | undefined;
}

/** What a look at the whole table saw. */
export interface Seen {
  /** The lowest there can be, for an empty table. */
  highestOrderId: string;
  /** Rows without an order_id at or before the place that capture has come to. */
  nameless: number;
  /** After the snapshot, UTC. */
  clock: string;
  /** Since each baseline. */
  missed: Missed[];
  unreachable: Unreachable[];
  /** An order that came with a lower id than one that was there long before it. */
  fallingId: string | undefined;
  /** The oldest that was open, as the database counts its transactions. */
  transaction: string;
  /** Partitions and children that joined the table `since`, with rows that no baseline can tell from captured ones. */
  attached: string[];
}

/** One message to publish. */
export interface OutgoingMessage {
  /** order_id in decimal, or null where the row has none. */
  key: string | null;
  /** The wire format's JSON, UTF-8. */
  value: Buffer;
}
