import type { QuarantinedRow } from '../../../ports';
import { FAILURES } from '../../../domain/order';
import { dateFolder } from '../files';
import type { Compression } from './parquet-writer';
import {
  bytesColumn,
  encodeParquet,
  narrowColumn,
  orderColumns,
  textColumn,
  timestampColumn,
  wholeColumn,
} from './parquet-writer';

/** One file of the quarantine: what could be read of each row, every reason against it, and the message as it was. */
export function encodeQuarantined(rows: readonly QuarantinedRow[], compression: Compression): Uint8Array {
  return encodeParquet(
    [
      ...orderColumns(rows, 'FAILED'),
      textColumn(
        'failed_rules',
        rows.map(({ failures }) => failures.join(',')),
      ),
      textColumn(
        'error',
        rows.map(({ failures }) => failures.map((code) => FAILURES[code]).join('; ')),
      ),
      bytesColumn(
        'raw_value',
        rows.map(({ message }) => message.value),
      ),
      bytesColumn(
        'raw_key',
        rows.map(({ message }) => message.key),
      ),
      narrowColumn(
        'kafka_partition',
        rows.map(({ message }) => message.partition),
      ),
      wholeColumn(
        'kafka_offset',
        rows.map(({ message }) => message.offset),
      ),
      timestampColumn('kafka_timestamp', 'MILLIS', rows.map(kafkaTimestamp)),
    ],
    compression,
  );
}

/** Its created_at's day, else its Kafka timestamp's, else 1970-01-01: a message without either still has a place. */
export function quarantineFolder(row: QuarantinedRow): string {
  return dateFolder(row.order.createdAtMicros ?? (kafkaTimestamp(row) ?? 0n) * 1000n);
}

/** 9999-12-31: a producer may set any timestamp, and readers refuse to open a file with a later one. */
const LATEST_MILLIS = 253_402_300_799_999;

/** `null` for Kafka's "no timestamp" (-1) and what no calendar holds. */
function kafkaTimestamp({ message: { timestampMillis } }: QuarantinedRow): bigint | null {
  return timestampMillis >= 0 && timestampMillis <= LATEST_MILLIS
    ? BigInt(Math.trunc(timestampMillis))
    : null;
}
