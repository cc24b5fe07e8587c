import type { SchemaElement } from 'hyparquet';
import type { ColumnSource } from 'hyparquet-writer';
import { ByteWriter, parquetWrite } from 'hyparquet-writer';
import { gzipSync } from 'node:zlib';
import type { OwnField, Row, Table, Value } from '../../../domain/table/table';
import type { AcceptedRow } from '../../../ports';
import { fieldOf, OWN_TYPES } from './parquet-schema';

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
export const PROLEPTIC_GREGORIAN = { key: 'org.apache.spark.version', value: '3.0.0' };

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

/** One file of the lake: the table's columns and validation_status. */
export function encodeRows(table: Table, rows: readonly AcceptedRow[], compression: Compression): Uint8Array {
  const { keyAt, positionAt } = table;
  const columns = tableColumns(table, rows, 'SUCCESS');
  return encodeParquet(
    columns.map((data, at) => (at === keyAt || at === positionAt ? rising(data) : data)),
    compression,
  );
}

/** The columns that lake and quarantine share, in the table's order, and whether the rows passed the rules. */
export function tableColumns(
  table: Table,
  rows: readonly { order: Row }[],
  status: 'SUCCESS' | 'FAILED',
): Column[] {
  return [
    ...table.columns.map((described, at) => {
      const values = rows.map(({ order }) => order[at] as Value);
      return column(fieldOf(described), described.type === 'decimal' ? values.map(unscaled) : values);
    }),
    ownColumn(
      table,
      'validation_status',
      rows.map(() => status),
    ),
  ];
}

/** A column that files have beside the table's. */
export function ownColumn(table: Table, name: OwnField, data: ColumnSource['data']): Column {
  return column({ name, ...OWN_TYPES[name], field_id: table.ownFieldId[name] }, data);
}

/** The writer takes a bigint as the unscaled value of a decimal, so no float comes near it. */
const unscaled = (value: Value) => (value === null ? null : BigInt(value));

/** Differences instead of values: in rows that rise by (position, key) it takes 10 bytes off each row. */
function rising(source: Column): Column {
  return { ...source, encoding: 'DELTA_BINARY_PACKED' };
}

/** All columns may be null, as in the source. */
function column(schema: SchemaElement, data: ColumnSource['data']): Column {
  return { name: schema.name, data, schema: { ...schema, repetition_type: 'OPTIONAL' } };
}
