/** A second table, with columns of every type: what is compiled from a description holds for others than orders. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parquetMetadata } from 'hyparquet';
import { readParquet, withDuckDB } from '../../adapters/lake/reading/duckdb';
import { encodeRows } from '../../adapters/lake/writing/parquet-writer';
import { encodeQuarantined } from '../../adapters/lake/writing/quarantine-writer';
import { copySql, windowSql, type TableShape } from '../../adapters/postgres/sql';
import { wrongColumns } from '../../adapters/postgres/types';
import { defineTable, type TableDescription } from '../../domain/table/table';
import { watermarkFrom } from '../../domain/watermark';
import { createValidator } from '../../messages/validate';
import { anyFormReader } from '../../messages/read-any-form';
import { wireScanner } from '../../messages/scan-wire';
import { hashOfRow, lakeHashSql, lakeTextColumns, textRow } from '../../reconcile/verify/row-text';
import { DESCRIPTION, PAYMENTS, ROW, wire } from '../helpers/made-up-table';

const validate = createValidator(PAYMENTS);

let directory: string;
beforeAll(async () => (directory = await mkdtemp(join(tmpdir(), 'orders-made-up-'))));
afterAll(() => rm(directory, { recursive: true }));

test('a message becomes a row, the quick way and the other', () => {
  expect(wireScanner(PAYMENTS)(wire())).toEqual(ROW);
  expect(anyFormReader(PAYMENTS)(wire())).toEqual({ values: ROW, oversized: false });
  expect(validate({ value: wire() })).toEqual({ accepted: ROW });
});

test('nulls land where no rule is against them', () => {
  const ruled = new Set([...DESCRIPTION.rules.map(({ column }) => column), 'booked']);
  const nulls = PAYMENTS.names.filter((name) => !ruled.has(name)).map((name) => [name, 'null']);
  const { accepted } = validate({ value: wire(Object.fromEntries(nulls) as Record<string, string>) });
  expect(accepted?.filter((value) => value === null)).toHaveLength(14);
});

test.each([
  ['payment_no', 'null', 'payment_no_null', 'payment_no is null'],
  ['fee', '0.0000', 'fee_not_positive', 'fee is null or not above 0'],
  ['fee', '-0.0001', 'fee_not_positive', 'fee is null or not above 0'],
  ['payer', '" "', 'payer_empty', 'payer is null or empty after trimming'],
  ['reference', 'null', 'reference_null', 'reference is null'],
  ['clicks', '0', 'clicks_not_positive', 'clicks is null or not above 0'],
  ['fee', '0.00001', 'fee_unreadable', 'fee is not a number that DECIMAL(18,4) holds exactly'],
  ['fee', '100000000000000.0000', 'fee_unreadable', 'fee is not a number that DECIMAL(18,4) holds exactly'],
  ['share', '1.0000', 'share_unreadable', 'share is not a number that DECIMAL(4,4) holds exactly'],
  ['points', '0.5', 'points_unreadable', 'points is not a number that DECIMAL(12,0) holds exactly'],
  ['clicks', '2147483648', 'clicks_unreadable', 'clicks is not a whole number of 32 bits'],
  ['score', '1e400', 'score_unreadable', 'score is not a number that a double holds'],
  ['score', '"NaN"', 'score_unreadable', 'score is not a number that a double holds'],
  ['paid', '1', 'paid_unreadable', 'paid is neither true nor false'],
  ['reference', '"0011"', 'reference_unreadable', 'reference is not a UUID'],
  ['details', '{"a":1}', 'text_unreadable', 'a text column holds something other than text'],
  ['due', '"2025-02-29"', 'due_unreadable', 'due is not a date'],
  [
    'local_time',
    '"2025-11-18T10:00:00Z"',
    'local_time_unreadable',
    'local_time is not a timestamp with at most six decimals',
  ],
  ['seen', '"soon"', 'seen_unreadable', 'seen is not a timestamp with at most six decimals'],
  ['booked', 'null', 'booked_missing', 'booked is null or absent'],
  ['booked', 'true', 'booked_unreadable', 'booked is not a timestamp with at most six decimals'],
])('%s %s is refused: %s', (name, literal, code, words) => {
  const value = wire({ [name]: literal });
  const quick = wireScanner(PAYMENTS)(value);
  if (quick !== undefined) expect(anyFormReader(PAYMENTS)(value)?.values).toEqual(quick);
  expect(validate({ value }).failures).toEqual([code]);
  expect(PAYMENTS.failures[code]).toBe(words);
});

/** Each column as text that says all of its value. */
const TEXTS = PAYMENTS.columns.map(({ name, type }) => {
  const column = `"${name.replaceAll('"', '""')}"`;
  if (name === 'share') return `${column}::DECIMAL(5,4)::VARCHAR`; // DuckDB prints .9999 otherwise
  if (type === 'timestamp' || type === 'timestamptz') return `epoch_us(${column})::VARCHAR`;
  return type === 'date' ? `(${column} - DATE '1970-01-01')::VARCHAR` : `${column}::VARCHAR`;
});
const ROW_TEXTS = ROW.map((value, at) => {
  const column = PAYMENTS.columns[at]!;
  if (value === null || column.type !== 'decimal') return value === null ? null : String(value);
  const digits = String(value)
    .replace('-', '')
    .padStart(column.scale + 1, '0');
  const point = digits.length - column.scale;
  const text = column.scale === 0 ? digits : `${digits.slice(0, point)}.${digits.slice(point)}`;
  return (value as number) < 0 ? `-${text}` : text;
});

test('a row is read back from its file by DuckDB as it was, with types and field ids', async () => {
  const path = join(directory, 'lake.parquet');
  await writeFile(path, encodeRows(PAYMENTS, [{ order: ROW }], 'snappy'));
  await withDuckDB(async (duckdb) => {
    const found = await duckdb.runAndReadAll(`SELECT ${TEXTS.join(', ')} FROM ${readParquet([path])}`);
    expect(found.getRows()).toEqual([ROW_TEXTS]);
    const types = await duckdb.runAndReadAll(
      `SELECT column_type FROM (DESCRIBE FROM ${readParquet([path])})`,
    );
    expect(types.getColumns()[0]).toEqual([
      'VARCHAR',
      'BIGINT',
      'TIMESTAMP WITH TIME ZONE',
      'DECIMAL(18,4)',
      'DECIMAL(7,6)',
      'DECIMAL(15,3)',
      'DECIMAL(4,4)',
      'DECIMAL(12,0)',
      'INTEGER',
      'DOUBLE',
      'BOOLEAN',
      'UUID',
      'VARCHAR',
      'DATE',
      'TIMESTAMP',
      'TIMESTAMP WITH TIME ZONE',
      'BIGINT',
      'VARCHAR',
      'VARCHAR',
      'VARCHAR',
      'VARCHAR',
    ]);
    const ids = await duckdb.runAndReadAll(
      `SELECT field_id::INTEGER FROM parquet_schema('${path}') OFFSET 1`,
    );
    expect(ids.getColumns()[0]).toEqual([...PAYMENTS.columns.map(({ fieldId }) => fieldId), 101]);
  });
});

test('verify compares a message and a file by the same text', async () => {
  const columns = DESCRIPTION.columns.filter(({ type }) => type !== 'double');
  const table = defineTable({ ...DESCRIPTION, columns });
  const rows = [ROW, ROW.map((value, at) => (at === 1 || at === 2 ? value : null))].map((row) =>
    row.filter((_, at) => PAYMENTS.columns[at]!.type !== 'double'),
  );
  const path = join(directory, 'verified.parquet');
  await writeFile(
    path,
    encodeRows(
      table,
      rows.map((order) => ({ order })),
      'snappy',
    ),
  );
  await withDuckDB(async (duckdb) => {
    const hashes = await duckdb.runAndReadAll(`SELECT ${lakeHashSql(table)} FROM ${readParquet([path])}`);
    expect(hashes.getColumns()[0]).toEqual(rows.map((row) => hashOfRow(table, row)));
    const texts = await duckdb.runAndReadAll(
      `SELECT ${lakeTextColumns(table).join(', ')} FROM ${readParquet([path])} LIMIT 1`,
    );
    const { fee, share, payer } = textRow(table, rows[0]!);
    expect(texts.getRows()[0]).toEqual(expect.arrayContaining([fee, share, payer]));
  });
});

test('a refused row is in quarantine with what could be read', () => {
  const value = wire({ fee: '0.00001', clicks: '0' });
  const { order, failures } = validate({ value });
  const message = { partition: 0, offset: 5n, timestampMillis: 0, key: null, value };
  const bytes = encodeQuarantined(PAYMENTS, [{ message, order: order!, failures: failures! }], 'snappy');
  expect(order![3]).toBeNull();
  expect(order![8]).toBe(0);
  const { schema } = parquetMetadata(bytes.slice().buffer);
  expect(schema.slice(1).map(({ name }) => name)).toEqual([
    ...PAYMENTS.names,
    'validation_status',
    'failed_rules',
    'error',
    'raw_value',
    'raw_key',
    'kafka_partition',
    'kafka_offset',
    'kafka_timestamp',
  ]);
});

describe('the statements of capture', () => {
  const shape: TableShape = {
    table: PAYMENTS,
    name: '"public"."payments"',
    positionType: 'timestamptz',
    timezone: 'UTC',
    keyNullable: true,
    indexed: { place: true, key: true },
    grainMicros: 0,
    withSystem: false,
    fingerprint: '',
  };
  const lower = watermarkFrom({ createdAt: '2025-11-18', orderId: 1 });

  test('name its columns, in its order', () => {
    const sql = copySql(shape, { lower, upper: lower }, 'UTF8');
    expect(sql).toContain('SELECT wire.payment_no, row_to_json(wire)');
    expect(sql).toContain(
      `SELECT t.payer, t.payment_no, to_char(t.booked AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS booked, t.fee`,
    );
    expect(sql).toContain(`t.details::text AS details, to_char(t.due, 'YYYY-MM-DD') AS due`);
    expect(sql).toContain('t.other_no, t."order", t."Note ""1""", t.empty');
    expect(sql).toContain('ORDER BY t.booked, coalesce(t.payment_no, 9223372036854775807)');
    expect(windowSql(shape, { after: lower, before: '2026-01-01T00:00:00Z', limit: 5 })).toContain(
      '(t.booked, coalesce(t.payment_no, 9223372036854775807)) >',
    );
  });

  test('ask for its columns and types', () => {
    const column = { category: 'N', typmod: -1, default: null, countable: true };
    const wrong = wrongColumns(
      'payments',
      PAYMENTS,
      [{ ...column, name: 'clicks', type: 'int8', written: 'bigint' }],
      'UTC',
    );
    expect(wrong).toHaveLength(20);
    expect(wrong.map(({ mend }) => mend)).toEqual(
      expect.arrayContaining([
        'ALTER TABLE payments ADD COLUMN fee numeric(18,4);',
        'ALTER TABLE payments ADD COLUMN payment_no bigint GENERATED BY DEFAULT AS IDENTITY;',
        'ALTER TABLE payments ADD COLUMN booked timestamptz; ALTER TABLE payments ALTER booked SET DEFAULT now();',
        'ALTER TABLE payments ADD COLUMN "order" text;',
        'ALTER TABLE payments ALTER clicks TYPE integer USING clicks::integer;',
        'ALTER TABLE payments ADD COLUMN details jsonb;',
      ]),
    );
  });
});

test.each<[string, Partial<TableDescription>]>([
  ['the key is a bigint', { key: 'payer' }],
  ['the position is a timestamptz', { position: 'local_time' }],
  ['the total is a decimal', { total: 'score' }],
  ['rules are about columns', { rules: [{ column: 'nothing', must: 'be not null' }] }],
  ['only numbers are above 0', { rules: [{ column: 'payer', must: 'be above 0' }] }],
  ['only text is blank', { rules: [{ column: 'fee', must: 'be not blank' }] }],
  ['field ids are one column’s', { ownFieldIds: 20 }],
  [
    'names are one column’s',
    { columns: [...DESCRIPTION.columns, { name: 'error', type: 'text', fieldId: 21 }] },
  ],
  [
    '64 bits hold a decimal',
    {
      columns: [...DESCRIPTION.columns, { name: 'x', type: 'decimal', precision: 19, scale: 0, fieldId: 21 }],
    },
  ],
])('a description that contradicts itself is refused: %s', (_name, change) => {
  expect(() => defineTable({ ...DESCRIPTION, ...change })).toThrow(RangeError);
});
