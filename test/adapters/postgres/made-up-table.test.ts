/** PostgreSQL prints the rows of a made-up table as its messages are to be, and its shape is what the description wants. */
import { defineTable } from '../../../domain/table/table';
import { watermarkFrom } from '../../../domain/watermark';
import { inspectTable } from '../../../adapters/postgres/check';
import { copySql, windowSql } from '../../../adapters/postgres/sql';
import { copyLines } from '../../../adapters/postgres/copy-lines';
import { sourceRowsSql } from '../../../adapters/postgres/reconciliation/row-sql';
import { hashOfRow } from '../../../reconcile/verify/row-text';
import { to as copyTo } from 'pg-copy-streams';
import { DESCRIPTION, PAYMENTS, ROW, wire } from '../../helpers/made-up-table';
import { freshPipeline, type FreshPipeline } from '../../helpers/pipeline';

const TYPES: Record<string, string> = {
  double: 'double precision',
  json: 'jsonb',
};
const START = watermarkFrom({ createdAt: '1970-01-01T00:00:00Z' });

let pipeline: FreshPipeline;
beforeAll(async () => {
  pipeline = await freshPipeline();
  const columns = PAYMENTS.columns.map((column) => {
    const { name, type } = column;
    const made =
      column.type === 'decimal' ? `numeric(${column.precision},${column.scale})` : (TYPES[type] ?? type);
    return `"${name.replaceAll('"', '""')}" ${made}`;
  });
  await pipeline.pool.query(`CREATE TABLE payments (${columns.join(', ')})`);
  await pipeline.pool.query(`INSERT INTO payments SELECT * FROM json_populate_record(NULL::payments, $1)`, [
    // The document comes as text in a message, and is JSON in the table.
    wire({ details: '{"a": [1, 12345678901234567890.123456789]}' }).toString(),
  ]);
});
afterAll(() => pipeline.dispose());

const shapeOf = async (table = PAYMENTS) =>
  (await inspectTable(pipeline.pool, { ...pipeline.settings.postgres, table: 'payments' }, table)).shape;

test('a row becomes the message that the parser reads', async () => {
  const shape = await shapeOf();
  const { rows } = await pipeline.pool.query<{ at: string; key: string; rows: number }>(
    windowSql(shape, { after: START, before: '2026-01-01T00:00:00Z', limit: 5 }),
  );
  const { at, key } = rows[0]!;
  expect(rows).toMatchObject([{ at: '2025-11-18T10:00:00.123456Z', key: '9223372036854775807', rows: 1 }]);
  const client = await pipeline.pool.connect();
  try {
    const window = { lower: START, upper: { createdAt: at, orderId: key } };
    const messages = [];
    for await (const some of copyLines(client.query(copyTo(copySql(shape, window, 'UTF8')))))
      messages.push(...some);
    expect(messages.map((message) => ({ key: message.key, value: message.value.toString() }))).toEqual([
      { key, value: wire().toString() },
    ]);
  } finally {
    client.release();
  }
});

test('verify gives the row in the source the hash that its message has', async () => {
  const columns = DESCRIPTION.columns.filter(({ type }) => type !== 'double');
  const table = defineTable({ ...DESCRIPTION, columns });
  const row = ROW.filter((_, at) => PAYMENTS.columns[at]!.type !== 'double');
  const { rows } = await pipeline.pool.query<{ hash: string }>(
    `SELECT hash::text FROM (${sourceRowsSql(await shapeOf(table), 'true')}) r`,
  );
  expect(rows.map(({ hash }) => BigInt.asUintN(64, BigInt(hash)))).toEqual([hashOfRow(table, row)]);
});
