/**
 * now() rounded to a column's digits, or cut by a default, lies before the transaction's start, where capture would have been
 * already. However coarse created_at is, each row is captured once.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { OrdersSource } from '../../../ports';
import { createOrdersSource } from '../../../adapters/postgres';
import { grainMicros, strangeDefaults } from '../../../adapters/postgres/precision';
import { parseTimestamp, watermarkFrom } from '../../../domain/watermark';
import { freshPipeline, type FreshPipeline } from '../../helpers/pipeline';
import { SILENT } from '../../helpers/telemetry';

const DIGITS = [0, 1, 2, 3, 4, 5, 6];
const SECONDS = 6;
const WRITERS = 3;

let pipeline: FreshPipeline;
const sources: OrdersSource[] = [];

beforeAll(async () => {
  pipeline = await freshPipeline();
  pipeline.pool.options.max = DIGITS.length * WRITERS + 5;
});
afterAll(async () => {
  await Promise.all(sources.map((source) => source.close()));
  await pipeline.dispose();
});

async function sourceOf(table: string, createdAt: string, more = ''): Promise<OrdersSource> {
  await pipeline.pool.query(`${more};
    CREATE TABLE ${table} (order_id bigserial PRIMARY KEY, customer_name text, restaurant_name text, item text,
      amount numeric(10,2), order_status text, created_at ${createdAt});
    CREATE INDEX ON ${table} (created_at, order_id)`);
  const { settings } = pipeline;
  const source = createOrdersSource({ ...settings, postgres: { ...settings.postgres, table } }, SILENT);
  sources.push(source);
  return source;
}

/** How far the horizon is behind the oldest transaction, in microseconds. */
async function marginOf(source: OrdersSource): Promise<number> {
  const client = await pipeline.pool.connect();
  try {
    await client.query('BEGIN; SELECT 1');
    const { before, heldBy } = await source.horizon();
    return Number(parseTimestamp(heldBy!.since)! - parseTimestamp(before!)!);
  } finally {
    await client.query('ROLLBACK');
    client.release();
  }
}

test('with 0 to 6 digits no row of many short transactions is lost', async () => {
  const captures = DIGITS.map(async (digits) => {
    const table = `digits_${digits}`;
    const zoned = digits % 2 === 0 ? 'timestamp' : 'timestamptz';
    const source = await sourceOf(table, `${zoned}(${digits}) NOT NULL DEFAULT CURRENT_TIMESTAMP`);
    const end = Date.now() + SECONDS * 1_000;
    const ended = { value: false };
    const captured = capture(source, () => ended.value);
    await Promise.all(
      Array.from({ length: WRITERS }, async () => {
        const client = await pipeline.pool.connect();
        while (Date.now() < end) {
          await client.query(`BEGIN; INSERT INTO ${table} (amount) VALUES (1)`);
          // Others, with higher ids and the same rounded time, commit before it.
          await sleep(Math.random() * 60);
          await client.query('COMMIT');
        }
        client.release();
      }),
    );
    ended.value = true;
    const seen = await captured;
    const { rows } = await pipeline.pool.query<{ id: string }>(
      `SELECT order_id::text AS id FROM ${table} ORDER BY created_at, order_id`,
    );
    return {
      digits,
      rows: rows.length,
      lost: rows.filter(({ id }) => !seen.includes(id)).length,
      twice: seen.length - new Set(seen).size,
    };
  });
  const found = await Promise.all(captures);
  expect(found).toEqual(found.map(({ digits, rows }) => ({ digits, rows, lost: 0, twice: 0 })));
  expect(Math.min(...found.map(({ rows }) => rows))).toBeGreaterThan(50);
});

/** The loop of capture: the ids in their order. */
async function capture(source: OrdersSource, writersEnded: () => boolean): Promise<string[]> {
  const { signal } = new AbortController();
  const seen: string[] = [];
  let lower = watermarkFrom({ createdAt: '1970-01-01T00:00:00Z' });
  for (let last = false; ;) {
    const { before } = await source.horizon();
    const window = await source.nextWindow({ after: lower, before: before!, limit: 1_000 });
    if (window !== undefined) {
      for await (const chunk of source.read({ lower, upper: window.upper }, { signal }))
        seen.push(...chunk.map(({ key }) => String(key)));
      lower = window.upper;
    } else if (last) return seen;
    last = writersEnded();
    // What is rounded up lies ahead for a moment.
    await sleep(last ? 2_000 : 20);
  }
}

const SETTLE = 100_000;

test.each([
  ['timestamp(0) DEFAULT now()', 1_000_000],
  ['timestamptz(1)', 100_000],
  ['timestamp(3)', 1_000],
  ['timestamp(6) DEFAULT CURRENT_TIMESTAMP', 0],
  ['timestamptz DEFAULT CURRENT_TIMESTAMP(0)', 1_000_000],
  ['timestamp DEFAULT LOCALTIMESTAMP(2)', 10_000],
  ['timestamp DEFAULT now()::timestamp(0)', 1_000_000],
  [`timestamp DEFAULT date_trunc('second', now())`, 1_000_000],
  [`timestamp DEFAULT date_trunc('minute', now() AT TIME ZONE 'UTC')`, 60_000_000],
  [`timestamptz DEFAULT date_trunc('milliseconds', clock_timestamp())`, 1_000],
])('created_at %s: the horizon stays %d µs further behind', async (createdAt, grain) => {
  const table = `grain_${sources.length}`;
  const source = await sourceOf(table, createdAt);
  expect(await marginOf(source)).toBe(SETTLE + grain);
  const { warnings } = await source.check();
  expect(warnings.filter((text) => text.includes('has the default'))).toEqual([]);
});

test('the default of a partition, which rows may be put into directly, counts too', async () => {
  const table = `parted`;
  const source = await sourceOf(`not_${table}`, 'timestamp');
  expect(await marginOf(source)).toBe(SETTLE);
  await pipeline.pool.query(`
    CREATE TABLE ${table} (LIKE not_${table} INCLUDING DEFAULTS) PARTITION BY RANGE (created_at);
    CREATE TABLE ${table}_all PARTITION OF ${table} (created_at DEFAULT now()::timestamp(1)) DEFAULT`);
  const { settings } = pipeline;
  const parted = createOrdersSource({ ...settings, postgres: { ...settings.postgres, table } }, SILENT);
  sources.push(parted);
  expect(await marginOf(parted)).toBe(SETTLE + 100_000);
});

test.each([
  `timestamp DEFAULT '2025-11-18'`,
  `timestamp DEFAULT (now() AT TIME ZONE 'Asia/Tokyo')`,
  `timestamp DEFAULT now() - interval '1 hour'`,
  `timestamp DEFAULT some_moment()`,
  `timestamp DEFAULT CURRENT_DATE`,
])('created_at %s is warned of, and what the warning says ends it', async (createdAt) => {
  const table = `strange_${sources.length}`;
  const source = await sourceOf(
    table,
    createdAt,
    `CREATE OR REPLACE FUNCTION some_moment() RETURNS timestamp LANGUAGE sql AS $$ SELECT now()::timestamp $$`,
  );
  const { warnings } = await source.check();
  expect(warnings).toEqual([expect.stringMatching(/has the default|is cut by its default/)]);
  await pipeline.pool.query(/Run: (.*;)/.exec(warnings[0]!)![1]!);
  expect((await source.check()).warnings).toEqual([]);
});

test.each(['now()', 'CURRENT_TIMESTAMP', `timezone('utc'::text, now())`, `(now() AT TIME ZONE 'utc'::text)`])(
  'the default %s is the transaction’s start',
  (text) => {
    const precision = { digits: null, defaults: [text] };
    expect(grainMicros(precision)).toBe(0);
    expect(strangeDefaults(precision, 'UTC')).toEqual([]);
  },
);
