import { microsOf, type OwnField, type Table } from '../../../domain/table/table';
import type { QuarantinedRow } from '../../../ports';
import { dateDirectory } from '../files';
import type { Compression } from './parquet-writer';
import { encodeParquet, ownColumn, tableColumns } from './parquet-writer';

/** One file of the quarantine: what could be read of each row, every reason against it, and the message as it was. */
export function encodeQuarantined(
  table: Table,
  rows: readonly QuarantinedRow[],
  compression: Compression,
): Uint8Array {
  const own = <T extends string | bigint | number | Uint8Array | null>(
    name: OwnField,
    valueOf: (row: QuarantinedRow) => T,
  ) => ownColumn(table, name, rows.map(valueOf));
  return encodeParquet(
    [
      ...tableColumns(table, rows, 'FAILED'),
      own('failed_rules', ({ failures }) => failures.join(',')),
      own('error', ({ failures }) => failures.map((code) => table.failures[code]).join('; ')),
      own('raw_value', ({ message }) => message.value),
      own('raw_key', ({ message }) => message.key),
      own('kafka_partition', ({ message }) => message.partition),
      own('kafka_offset', ({ message }) => message.offset),
      own('kafka_timestamp', kafkaMicros),
    ],
    compression,
  );
}

/** The day of its position, else its Kafka timestamp's, else 1970-01-01: a message without either still has a place. */
export function quarantineDirectory(table: Table, row: QuarantinedRow): string {
  return dateDirectory(microsOf(table, row.order) ?? kafkaMicros(row) ?? 0n);
}

/** 9999-12-31: a producer may set any timestamp, and readers refuse to open a file with a later one. */
const LATEST_MILLIS = 253_402_300_799_999;

/** `null` for Kafka's "no timestamp" (-1) and what no calendar holds. */
function kafkaMicros({ message: { timestampMillis } }: QuarantinedRow): bigint | null {
  return timestampMillis >= 0 && timestampMillis <= LATEST_MILLIS
    ? BigInt(Math.trunc(timestampMillis)) * 1000n
    : null;
}
