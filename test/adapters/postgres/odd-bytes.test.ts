/** Databases whose texts are not UTF-8, or cannot become it: such a row goes through as it is, to be quarantined; the others flow. */
import { Client } from 'pg';
import type { OrdersSource } from '../../../ports';
import { validate } from '../../../messages';
import { validateOrder } from '../../helpers/orders';
import { createOrdersSource, createSourceRows } from '../../../adapters/postgres';
import { watermarkFrom } from '../../../domain/watermark';
import { ORDERS_TABLE, freshPipeline, type FreshPipeline } from '../../helpers/pipeline';
import { SILENT } from '../../helpers/telemetry';

const START = watermarkFrom({ createdAt: '1970-01-01T00:00:00Z' });

let pipeline: FreshPipeline;
let name: string;
let raw: Client;
let source: OrdersSource;

beforeEach(async () => {
  pipeline = await freshPipeline({ cdc: { settle_ms: 0 } });
});
afterEach(async () => {
  await source?.close();
  await raw.end();
  await pipeline.pool.query(`DROP DATABASE ${name} WITH (FORCE)`);
  await pipeline.dispose();
});

/** A database of this encoding; `raw` sends it bytes as they are. */
async function inEncoding(encoding: string): Promise<void> {
  name = `${pipeline.name}_${encoding.toLowerCase()}`;
  await pipeline.pool.query(
    `CREATE DATABASE ${name} ENCODING '${encoding}' LOCALE_PROVIDER libc LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`,
  );
  const { settings } = pipeline;
  const { host, port, user, password } = settings.postgres;
  raw = new Client({ host, port, user, password, database: name });
  raw.on('error', () => undefined);
  await raw.connect();
  await raw.query(`SET client_encoding = '${encoding}'`);
  await raw.query(`CREATE TABLE ${ORDERS_TABLE} (order_id serial PRIMARY KEY, customer_name text, restaurant_name text,
    item text, amount numeric(10,2), order_status text, created_at timestamp NOT NULL DEFAULT now())`);
  source = createOrdersSource({ ...settings, postgres: { ...settings.postgres, db: name } }, SILENT);
}

/** Bytes in hexadecimal; what the database takes for a text of its encoding. */
const insert = (hex: string) =>
  raw.query(
    `INSERT INTO ${ORDERS_TABLE} (customer_name, restaurant_name, item, amount, order_status)
     VALUES (convert_from('\\x${hex}', current_setting('server_encoding')), 'r', 'i', 1, 'PLACED')`,
  );

async function capture(): Promise<{ key: string | null; value: Buffer }[]> {
  const { before } = await source.horizon();
  const { upper } = (await source.nextWindow({ after: START, before: before!, limit: 10_000 }))!;
  const rows: { key: string | null; value: Buffer }[] = [];
  const { signal } = new AbortController();
  for await (const chunk of source.read({ lower: START, upper }, { signal })) rows.push(...chunk);
  return rows;
}

const nameIn = (value: Buffer) => validateOrder({ value }).accepted?.customerName;

test('SQL_ASCII: bytes that are UTF-8 land, others come whole and are malformed', async () => {
  await inEncoding('SQL_ASCII');
  const utf8 = 'Zoë 日本 🍜';
  const odd = ['fe', 'c3', 'e697', 'ff2209', 'c328', 'eda080', '5a6feb'];
  await insert(Buffer.from(utf8).toString('hex'));
  for (const bytes of odd) await insert(bytes);
  await insert(Buffer.from('plain').toString('hex'));
  const rows = await capture();
  expect(rows.map(({ key }) => key)).toEqual(rows.map((_row, index) => String(index + 1)));
  expect(nameIn(rows[0]!.value)).toBe(utf8);
  expect(nameIn(rows.at(-1)!.value)).toBe('plain');
  for (const [index, bytes] of odd.entries()) {
    const { value } = rows[index + 1]!;
    expect(validate({ value }).failures).toEqual(['malformed_json']);
    // JSON writes a quote and a tab with a backslash, and leaves all else.
    const inJson = bytes.replace('22', '5c22').replace('09', '5c74');
    expect(value.toString('hex')).toContain(inJson);
  }
  // It cannot add such rows up, and does not say that all is equal.
  const sourceRows = createSourceRows({ postgres: { ...pipeline.settings.postgres, db: name } }, SILENT);
  try {
    const open = await sourceRows.open();
    await expect(
      open.sums({ from: START.createdAt, to: '2100-01-01T00:00:00.000000Z' }, 'day'),
    ).rejects.toThrow('invalid byte sequence');
  } finally {
    await sourceRows.close();
  }
});

test.each([
  // Byte 81 is no character of it; after c3 it would pass for the UTF-8 of another one.
  ['WIN1252', '5a6feb', 'Zoë', ['81', 'c381', '41ff8d']],
  ['LATIN1', '5a6feb81', 'Zoë\u0081', []],
  ['EUC_JP', 'c6fccbdc', '日本', ['fda1']],
])(
  '%s: what has a character in UTF-8 lands as that, other rows are malformed',
  async (encoding, good, text, odd) => {
    await inEncoding(encoding);
    const ASCII = Buffer.from('plain').toString('hex');
    const names = [good, ...odd, ASCII, good, ...odd, good];
    for (const bytes of names) await insert(bytes);
    const rows = await capture();
    expect(rows.map(({ key }) => key)).toEqual(names.map((_name, index) => String(index + 1)));
    for (const [index, bytes] of names.entries()) {
      const { value } = rows[index]!;
      const wanted = bytes === good ? text : bytes === ASCII ? 'plain' : undefined;
      expect({ bytes, name: nameIn(value) }).toEqual({ bytes, name: wanted });
      if (wanted === undefined) {
        expect(validate({ value }).failures).toEqual(['malformed_json']);
        expect(value.toString('hex')).toContain(bytes);
      }
    }
  },
);
