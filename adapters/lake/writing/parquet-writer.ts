import type { SchemaElement } from 'hyparquet';
import type { ColumnSource } from 'hyparquet-writer';
import { ByteWriter, parquetWrite } from 'hyparquet-writer';
import { gzipSync } from 'node:zlib';
import type { AcceptedRow } from '../../../ports';
import type { Order } from '../../../domain/order';

/**
 * Codecs of the lake's files that every reader has. snappy (the default) is the library's own JavaScript; gzip is
 * slower to read and a third smaller. zstd is not offered: Node 20 has no compressor for it.
 */
export type Compression = 'snappy' | 'gzip' | 'uncompressed';

type Column = ColumnSource & { schema: SchemaElement };

/**
 * A row group a file holds. Readers skip and share work by row group; DuckDB's own are 122,880 rows.
 * The library's default of [1000, 100000] would give every file a first group too small to be of use.
 */
const ROW_GROUP_ROWS = 100_000;

/** Written into each file. It holds no version, so that an upgrade alone does not change a batch's bytes. */
const CREATED_BY = 'orders-stream';

/**
 * Tells Spark 3 that timestamps follow today's calendar all the way back. Without it one created_at before 1900
 * makes Spark refuse the whole file (READ_ANCIENT_DATETIME). Other readers take no notice.
 */
const PROLEPTIC_GREGORIAN = { key: 'org.apache.spark.version', value: '3.0.0' };

/** A Parquet file of these columns. Same columns, same bytes. */
export function encodeParquet(columns: readonly Column[], compression: Compression): Uint8Array {
  const writer = new ByteWriter(1 << 16);
  // A ByteWriter has nothing to wait for: all is done when this returns.
  void parquetWrite({
    writer,
    schema: [{ name: 'root', num_children: columns.length }, ...columns.map(({ schema }) => schema)],
    columnData: columns.map(({ schema: _, ...source }) => source),
    codec: compression === 'snappy' ? 'SNAPPY' : compression === 'gzip' ? 'GZIP' : 'UNCOMPRESSED',
    compressors: { GZIP: (bytes) => gzipSync(bytes) },
    rowGroupSize: ROW_GROUP_ROWS,
    createdBy: CREATED_BY,
    kvMetadata: [PROLEPTIC_GREGORIAN],
  });
  return writer.getBytes();
}

/** One file of the lake: the seven columns and validation_status. No row has a null, as the rules see to it. */
export function encodeOrders(rows: readonly AcceptedRow[], compression: Compression): Uint8Array {
  const columns = orderColumns(rows, 'SUCCESS');
  return encodeParquet(
    columns.map((data) => (data.name === 'order_id' || data.name === 'created_at' ? rising(data) : data)),
    compression,
  );
}

/** The columns that lake and quarantine share, in the contract's order. */
export function orderColumns(rows: readonly { order: Order }[], status: 'SUCCESS' | 'FAILED'): Column[] {
  const values = <K extends keyof Order>(key: K) => rows.map(({ order }) => order[key]);
  return [
    wholeColumn('order_id', values('orderId')),
    textColumn('customer_name', values('customerName')),
    textColumn('restaurant_name', values('restaurantName')),
    textColumn('item', values('item')),
    amountColumn(values('amountHundredths')),
    textColumn('order_status', values('orderStatus')),
    timestampColumn('created_at', 'MICROS', values('createdAtMicros')),
    textColumn(
      'validation_status',
      rows.map(() => status),
    ),
  ];
}

export function textColumn(name: string, data: (string | null)[]): Column {
  return column({ name, type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } }, data);
}

export function bytesColumn(name: string, data: (Uint8Array | null)[]): Column {
  return column({ name, type: 'BYTE_ARRAY' }, data);
}

export function wholeColumn(name: string, data: (bigint | null)[]): Column {
  return column({ name, type: 'INT64' }, data);
}

export function narrowColumn(name: string, data: (number | null)[]): Column {
  return column({ name, type: 'INT32' }, data);
}

/** DECIMAL(10,2) over INT64: the writer takes a bigint as the unscaled value, so no float comes near it. */
function amountColumn(hundredths: (number | null)[]): Column {
  const decimal = { precision: 10, scale: 2 };
  return column(
    {
      name: 'amount',
      type: 'INT64',
      converted_type: 'DECIMAL',
      ...decimal,
      logical_type: { type: 'DECIMAL', ...decimal },
    },
    hundredths.map((value) => (value === null ? null : BigInt(value))),
  );
}

export function timestampColumn(name: string, unit: 'MILLIS' | 'MICROS', data: (bigint | null)[]): Column {
  return column(
    {
      name,
      type: 'INT64',
      converted_type: `TIMESTAMP_${unit}`,
      logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit },
    },
    data,
  );
}

/** Differences instead of values: in rows that rise by (created_at, order_id) it takes 10 bytes off each row. */
function rising(source: Column): Column {
  return { ...source, encoding: 'DELTA_BINARY_PACKED' };
}

/** Both annotations, converted_type for old readers and logical_type for new. All columns may be null, as in the source. */
function column(schema: SchemaElement, data: ColumnSource['data']): Column {
  return { name: schema.name, data, schema: { ...schema, repetition_type: 'OPTIONAL' } };
}
