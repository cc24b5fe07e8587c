/** Why hyparquet-writer and not parquetjs-lite, the first choice: the same rows through both, read back by DuckDB. */
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ParquetSchema, ParquetWriter } from 'parquetjs-lite';
import type { AcceptedRow } from '../../ports';
import { readParquet, withDuckDB } from '../../adapters/lake/reading/duckdb';
import { encodeRows } from '../../adapters/lake/writing/parquet-writer';
import { ORDERS } from '../../domain/table/orders';
import type { Value } from '../../domain/table/table';
import { formatTimestamp } from '../../domain/watermark';
import { validate } from '../../messages';
import { sampleMessages } from '../orders/sample-messages';

/** What one writer made of the rows. */
interface Outcome {
  rowsPerSecond: number;
  bytesPerRow: number;
  /** Per column: whether type and values are as written; its type as DuckDB sees it, and the rows that differ. */
  columns: Record<string, { right: boolean; type: string; wrongRows: number }>;
}

/** Writes `rows` rows with each writer, best of three runs, one file with snappy in a directory that is removed afterwards. */
export async function writers(options: { rows: number }): Promise<Record<string, Outcome>> {
  const rows = sampleRows(options.rows);
  const directory = await mkdtemp(join(tmpdir(), 'orders-writers-'));
  try {
    return {
      'hyparquet-writer': await measure(join(directory, 'hyparquet.parquet'), rows, writeWithHyparquet),
      'parquetjs-lite': await measure(join(directory, 'parquetjs.parquet'), rows, writeWithParquetjs),
    };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

type Write = (path: string, rows: readonly AcceptedRow[]) => Promise<void>;

/** Realistic rows; every tenth has an order_id above 2^53 or the largest amount, where doubles give out. */
function sampleRows(count: number): AcceptedRow[] {
  return sampleMessages({ rows: count, badEvery: 0 }).flatMap((message, index) => {
    const { accepted: order } = validate(message);
    if (order === undefined) return [];
    const row = [...order];
    if (index % 20 === 0) row[ORDERS.keyAt] = 2n ** 53n + 1n + (order[ORDERS.keyAt] as bigint) * 2n;
    if (index % 20 === 10) row[ORDERS.totalAt] = 9_999_999_999;
    return [{ order: row }];
  });
}

async function writeWithHyparquet(path: string, rows: readonly AcceptedRow[]): Promise<void> {
  await writeFile(path, encodeRows(ORDERS, rows, 'snappy'));
}

async function writeWithParquetjs(path: string, rows: readonly AcceptedRow[]): Promise<void> {
  const field = (type: string) => ({ type, compression: 'SNAPPY' });
  const schema = new ParquetSchema({
    order_id: field('INT64'),
    customer_name: field('UTF8'),
    restaurant_name: field('UTF8'),
    item: field('UTF8'),
    amount: field('DOUBLE'), // it has no DECIMAL
    order_status: field('UTF8'),
    created_at: field('TIMESTAMP_MICROS'),
    validation_status: field('UTF8'),
  });
  const writer = await ParquetWriter.openFile(schema, path, { rowGroupSize: 100_000 });
  for (const { order } of rows) {
    const values: [string, unknown][] = ORDERS.columns.map(({ name, type }, at) => [
      name,
      type === 'decimal' ? Number(order[at]) / 100 : order[at],
    ]);
    await writer.appendRow({ ...Object.fromEntries(values), validation_status: 'SUCCESS' });
  }
  await writer.close();
}

async function measure(path: string, rows: readonly AcceptedRow[], write: Write): Promise<Outcome> {
  let seconds = Infinity;
  for (let run = 0; run < 3; run++) {
    const start = performance.now();
    await write(path, rows);
    seconds = Math.min(seconds, (performance.now() - start) / 1000);
  }
  return {
    rowsPerSecond: Math.round(rows.length / seconds),
    bytesPerRow: Number(((await stat(path)).size / rows.length).toFixed(2)),
    columns: await readBack(path, rows),
  };
}

interface Expectation {
  type: string;
  /** SQL for the column's value as text. */
  text: string;
  value: (value: Value) => string;
}

const TEXT: Expectation = { type: 'VARCHAR', text: 'text', value: String };
const COLUMNS: readonly Expectation[] = [
  { type: 'BIGINT', text: 'order_id', value: String },
  { ...TEXT, text: 'customer_name' },
  { ...TEXT, text: 'restaurant_name' },
  { ...TEXT, text: 'item' },
  {
    type: 'DECIMAL(10,2)',
    text: 'amount::DECIMAL(10,2)',
    value: (hundredths) => String(hundredths).replace(/(..)$/, '.$1'),
  },
  { ...TEXT, text: 'order_status' },
  {
    type: 'TIMESTAMP WITH TIME ZONE',
    text: "strftime(make_timestamp(epoch_us(created_at)), '%Y-%m-%dT%H:%M:%S.%fZ')",
    value: (micros) => formatTimestamp(micros as bigint),
  },
];

async function readBack(path: string, rows: readonly AcceptedRow[]): Promise<Outcome['columns']> {
  return withDuckDB(async (duckdb) => {
    const source = readParquet([path]);
    const described = await duckdb.runAndReadAll(
      `SELECT column_name, column_type FROM (DESCRIBE FROM ${source})`,
    );
    const types = new Map(described.getRows().map(([name, type]) => [String(name), String(type)]));
    const columns: Outcome['columns'] = {};
    for (const [at, expected] of COLUMNS.entries()) {
      const name = ORDERS.names[at]!;
      // One thread reads one file in its own order.
      const reader = await duckdb.runAndReadAll(`SELECT (${expected.text})::VARCHAR FROM ${source}`);
      const values = reader.getColumns()[0] ?? [];
      const wrongRows = rows.filter(
        ({ order }, index) => values[index] !== expected.value(order[at]!),
      ).length;
      const type = types.get(name) ?? 'absent';
      columns[name] = { right: type === expected.type && wrongRows === 0, type, wrongRows };
    }
    return columns;
  });
}
