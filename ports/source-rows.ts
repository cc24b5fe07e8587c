import type { Writable } from 'node:stream';
import type { Gap } from '../domain/gaps';
import type { Period, SumsBy, Unit } from '../domain/row-sums';
import type { Unreachable } from '../domain/unreachable';
import type { Watermark } from '../domain/watermark';

/** The rows of the source for those who compare them with other places. Rows are added up where they are. Reads only. */
export interface SourceRows {
  /**
   * Looks at the table; the rows are read by the shape that it has now. `signal` breaks off what is read, however long that takes.
   * NonRetryableError as in `OrdersSource.check`; each method rejects with `TableLocked` where it waited for a lock for too long.
   */
  open(options?: { signal?: AbortSignal }): Promise<OpenRows>;

  close(): Promise<void>;
}

/** Rows without a position are in no period. */
export interface OpenRows {
  sums(period: Period, unit: Unit): Promise<SumsBy>;

  /** Writes a `key,micros,hash` line for each row of a period into a stream, made once there are rows to come. The hash is signed. */
  copyHashes(period: Period, into: () => Writable): Promise<void>;

  /** Rows of these keys, wherever they stand. */
  rowsById(keys: readonly string[]): Promise<TextRow[]>;

  /** Rows after one place, and at or before another. */
  countBetween(after: Watermark, upTo: Watermark): Promise<number>;

  /** Rows without a position. */
  countTimeless(): Promise<number>;

  /** Rows that capture does not reach; see domain/unreachable.ts. `clock` is the source's, UTC. */
  unreachable(options: { clock: string; gaps: readonly Gap[] }): Promise<Unreachable[]>;
}

/** A row's columns as text, for naming the ones that differ; the position is its microseconds. */
export type TextRow = Record<string, string | null>;
