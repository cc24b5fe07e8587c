/** What administrators take away from our role, and that what the message says gives it back: each statement is run as it stands. */
import type { OrdersSource } from '../../../ports';
import { createOrdersSource, createSourceRows } from '../../../adapters/postgres';
import type { Settings } from '../../../configs/schema';
import { watermarkFrom } from '../../../domain/watermark';
import { ORDERS_TABLE, freshPipeline, type FreshPipeline } from '../../helpers/pipeline';
import { SILENT } from '../../helpers/telemetry';

const START = watermarkFrom({ createdAt: '1970-01-01T00:00:00Z' });
const BEFORE = '2100-01-01T00:00:00.000000Z';
const HIDE = `ALTER TABLE ${ORDERS_TABLE} ENABLE ROW LEVEL SECURITY`;

let pipeline: FreshPipeline;
let settings: Settings;
let sources: OrdersSource[] = [];

beforeEach(async () => {
  pipeline = await freshPipeline({ cdc: { settle_ms: 0 } });
  const { name, pool } = pipeline;
  await pool.query(
    `CREATE ROLE ${name} LOGIN PASSWORD 'x'; GRANT SELECT ON ${ORDERS_TABLE} TO ${name}; GRANT pg_read_all_stats TO ${name};
     INSERT INTO ${ORDERS_TABLE} (amount) SELECT n FROM generate_series(1, 30) n;
     CREATE POLICY third ON ${ORDERS_TABLE} USING (order_id % 3 = 0)`,
  );
  settings = { ...pipeline.settings, postgres: { ...pipeline.settings.postgres, user: name, password: 'x' } };
});
afterEach(async () => {
  await Promise.all(sources.map((source) => source.close()));
  sources = [];
  const { name, pool } = pipeline;
  await pool.query(`DROP OWNED BY ${name}; DROP ROLE ${name}`);
  await pipeline.dispose();
});

function newSource(): OrdersSource {
  const source = createOrdersSource(settings, SILENT);
  sources.push(source);
  return source;
}

async function rowsIn(source: OrdersSource): Promise<number> {
  await source.horizon();
  const window = await source.nextWindow({ after: START, before: BEFORE, limit: 100 });
  return window?.rows ?? 0;
}

/** Runs the statement that a message names. */
async function asAdministrator(message: string): Promise<void> {
  const statement = /Run: (.*?;)/i.exec(message)?.[1];
  expect({ message, statement }).toMatchObject({ statement: expect.any(String) as string });
  await pipeline.pool.query(statement!);
}

const messageOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'nothing was wrong',
    (error: Error) => error.message,
  );

const TAKEN: [what: string, sql: (name: string) => string][] = [
  ['sight of all rows', () => HIDE],
  ['SELECT', (name) => `REVOKE SELECT ON ${ORDERS_TABLE} FROM ${name}`],
  ['USAGE on the schema', () => 'REVOKE USAGE ON SCHEMA public FROM PUBLIC'],
  ['sight of others’ transactions', (name) => `REVOKE pg_read_all_stats FROM ${name}`],
];

test.each([
  ...TAKEN,
  ['the login', (name: string) => `ALTER ROLE ${name} NOLOGIN`],
  ['the password’s validity', (name: string) => `ALTER ROLE ${name} VALID UNTIL '2020-01-01'`],
  ['the role’s connections', (name: string) => `ALTER ROLE ${name} CONNECTION LIMIT 0`],
  ['the database’s connections', (name: string) => `ALTER DATABASE ${name} CONNECTION LIMIT 0`],
  ['CONNECT on the database', (name: string) => `REVOKE CONNECT ON DATABASE ${name} FROM PUBLIC`],
] as typeof TAKEN)('without %s a new source says what to run', async (_what, sql) => {
  await pipeline.pool.query(sql(pipeline.name));
  await asAdministrator(await messageOf(newSource().check()));
  const source = newSource();
  await source.check();
  expect(await rowsIn(source)).toBe(30);
});

test.each(TAKEN)('%s, taken while a source is at work, is missed by the next poll', async (_what, sql) => {
  const source = newSource();
  await source.check();
  const window = (await source.nextWindow({ after: START, before: BEFORE, limit: 100 }))!;
  const other = await pipeline.pool.connect();
  try {
    await other.query('BEGIN'); // somebody whose transaction is to be seen
    await pipeline.pool.query(sql(pipeline.name));
    const message = await messageOf(rowsIn(source));
    // Never the third that a policy leaves to be seen.
    expect(await readAll(source, window.upper)).not.toBe(10);
    await asAdministrator(message);
    expect(await rowsIn(source)).toBe(30);
    expect(await readAll(source, window.upper)).toBe(30);
  } finally {
    await other.query('ROLLBACK');
    other.release();
  }
});

async function readAll(source: OrdersSource, upper: typeof START): Promise<number | string> {
  const { signal } = new AbortController();
  let rows = 0;
  try {
    for await (const chunk of source.read({ lower: START, upper }, { signal })) rows += chunk.length;
  } catch (error) {
    return (error as Error).message;
  }
  return rows;
}

test('verify refuses to add up rows of which some are hidden from it', async () => {
  const rows = createSourceRows(settings, SILENT);
  try {
    const open = await rows.open();
    await pipeline.pool.query(HIDE);
    await expect(open.sums({ from: START.createdAt, to: BEFORE }, 'day')).rejects.toMatchObject({
      type: 'InsufficientPrivilege',
    });
    await expect(rows.open()).rejects.toMatchObject({ type: 'InsufficientPrivilege' });
  } finally {
    await rows.close();
  }
});
