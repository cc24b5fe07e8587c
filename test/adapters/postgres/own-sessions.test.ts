/** What administrators set for roles, databases and servers is not for our sessions, which set all they rely on themselves. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, type ClientConfig } from 'pg';
import type { OrdersSource } from '../../../ports';
import { createOrdersSource } from '../../../adapters/postgres';
import { openPool, openSession } from '../../../adapters/postgres/session';
import type { Settings } from '../../../configs/schema';
import { watermarkFrom } from '../../../domain/watermark';
import { ORDERS_TABLE, freshPipeline, type FreshPipeline } from '../../helpers/pipeline';
import { SILENT } from '../../helpers/telemetry';

const START = watermarkFrom({ createdAt: '1970-01-01T00:00:00Z' });
/** Enough for each statement to take some milliseconds. */
const ROWS = 5_000;

/** As absurd as the server takes them; the last two end a session that does nothing, or a transaction, at once. */
const SETTINGS: [name: string, value: string][] = [
  ['statement_timeout', '1'],
  ['lock_timeout', '1'],
  ['idle_in_transaction_session_timeout', '1'],
  ['TimeZone', 'Asia/Kathmandu'],
  ['timezone_abbreviations', 'India'],
  ['DateStyle', 'German, DMY'],
  ['IntervalStyle', 'sql_standard'],
  ['extra_float_digits', '-15'],
  ['bytea_output', 'escape'],
  ['array_nulls', 'off'],
  ['standard_conforming_strings', 'off'],
  ['backslash_quote', 'off'],
  ['quote_all_identifiers', 'on'],
  ['transform_null_equals', 'on'],
  ['client_min_messages', 'debug5'],
  ['client_encoding', 'LATIN1'],
  ['default_transaction_isolation', 'serializable'],
  ['default_transaction_read_only', 'on'],
  ['default_transaction_deferrable', 'on'],
  ['application_name', 'pg_dump'],
  ['row_security', 'on'],
  ['idle_session_timeout', '150'],
  ['transaction_timeout', '150'],
];

let pipeline: FreshPipeline;
let settings: Settings;
const ends: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  pipeline = await freshPipeline({ cdc: { settle_ms: 0 } });
  const { name, pool } = pipeline;
  await pool.query(
    `CREATE ROLE ${name} LOGIN PASSWORD 'x'; GRANT SELECT ON ${ORDERS_TABLE} TO ${name}; GRANT pg_read_all_stats TO ${name};
     INSERT INTO ${ORDERS_TABLE} (customer_name, amount, created_at)
     SELECT 'Zoë \\ ' || n, n / 100.0, '2025-11-18 10:00:00'::timestamp + n * interval '1 s' FROM generate_series(1, ${ROWS}) n`,
  );
  settings = { ...pipeline.settings, postgres: { ...pipeline.settings.postgres, user: name, password: 'x' } };
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});
afterAll(async () => {
  const { name, pool } = pipeline;
  await pool.query(`DROP OWNED BY ${name}; DROP ROLE ${name}`);
  await pipeline.dispose();
});

/** A source with sessions of its own, which begin now. */
function newSource(): OrdersSource {
  const source = createOrdersSource(settings, SILENT);
  ends.push(() => source.close());
  return source;
}

async function session(config: ClientConfig = {}): Promise<Client> {
  const { host, port, db: database, user, password } = pipeline.settings.postgres;
  const client = new Client({ host, port, database, user, password, ...config });
  client.on('error', () => undefined);
  await client.connect();
  ends.push(() => client.end());
  return client;
}

/** All that capture asks of a source, as one text. */
async function everything(source: OrdersSource, idleMs = 0): Promise<string> {
  const { signal } = new AbortController();
  const { warnings } = await source.check();
  const { before, clock } = await source.horizon();
  const window = (await source.nextWindow({ after: START, before: before!, limit: 2 * ROWS }))!;
  await sleep(idleMs);
  const seen = await source.detectLateRows({ baselines: [], upTo: START, gaps: [], clock, idAgeMs: 0 });
  const rows: string[] = [];
  for await (const chunk of source.read({ lower: START, upper: window.upper }, { signal })) {
    rows.push(...chunk.map(({ key, value }) => `${key} ${String(value)}`));
  }
  return JSON.stringify({ warnings, window, highest: seen.highestOrderId, rows });
}

test.each([
  ['role', 'ROLE'],
  ['database', 'DATABASE'],
])('settings of the %s, whatever they are, change nothing', async (_name, kind) => {
  const { name, pool } = pipeline; // the role and the database have one name
  const usual = await everything(newSource());
  expect(usual).toContain('Zoë');
  try {
    for (const [setting, value] of SETTINGS) {
      await pool.query(`ALTER ${kind} ${name} SET ${setting} = '${value}'`);
      const found = await everything(newSource(), setting === 'idle_session_timeout' ? 300 : 0).catch(
        (error: Error) => error.message,
      );
      expect({ setting, same: found === usual || found.slice(0, 500) }).toEqual({ setting, same: true });
      await pool.query(`ALTER ${kind} ${name} RESET ${setting}`);
    }
    for (const [setting, value] of SETTINGS)
      await pool.query(`ALTER ${kind} ${name} SET ${setting} = '${value}'`);
    expect(await everything(newSource(), 300)).toBe(usual);
  } finally {
    await pool.query(`ALTER ${kind} ${name} RESET ALL`);
  }
});

test('a session is ours by our role and our lock; one that is only named like ours is waited for', async () => {
  const source = newSource();
  const { user, password } = settings.postgres;
  const ours = await openSession(settings.postgres, 5_000);
  ends.push(() => ours.end());
  await ours.query('BEGIN; SELECT 1');
  expect((await source.horizon()).heldBy).toBeUndefined();

  const namedAlike = await session({ user, password: password, application_name: 'orders-stream' });
  await namedAlike.query('BEGIN; SELECT 1');
  expect((await source.horizon()).heldBy?.who).toContain('application "orders-stream"');
  await namedAlike.query('ROLLBACK');
  expect((await source.horizon()).heldBy).toBeUndefined();

  // Another role cannot be us, whatever it holds.
  const lock = await ours.query<{ classid: string; objid: string }>(
    `SELECT classid, objid FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory'`,
  );
  const { classid, objid } = lock.rows[0]!;
  const another = await session();
  await another.query(`SELECT pg_advisory_lock_shared(${classid}, ${objid})`);
  await another.query('BEGIN; SELECT 1');
  expect((await source.horizon()).heldBy).toBeDefined();
});

test('a session that is ended while it is in use, between two statements, does not end the process', async () => {
  const { name, pool } = pipeline;
  const own = openPool(settings.postgres, 1, SILENT.log);
  ends.push(() => own.end());
  const client = await own.connect();
  const ended = new Promise((resolve) => client.once('end', resolve));
  await pool.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1', [name]);
  await ended;
  client.release(true);
  expect((await own.query('SELECT 1')).rowCount).toBe(1);
});
