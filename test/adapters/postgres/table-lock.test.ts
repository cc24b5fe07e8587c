/** A lock on the table is not waited for in silence: who holds it is named, and the statement that ends it works. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { createPoll } from '../../../activities/capture/poll';
import { TableLocked } from '../../../domain/hold';
import type { OrdersSource } from '../../../ports';
import { createOrdersSource } from '../../../adapters/postgres';
import { watermarkFrom } from '../../../domain/watermark';
import { createCountRewind } from '../../../reconcile/open';
import { inActivity } from '../../helpers/activity';
import { ORDERS_TABLE, eventually, freshPipeline, type FreshPipeline } from '../../helpers/pipeline';
import { SILENT } from '../../helpers/telemetry';

const START = watermarkFrom({ createdAt: '1970-01-01T00:00:00Z' });
const NEXT = { after: START, before: '2100-01-01T00:00:00.000000Z', limit: 10 };
const LOCK = `LOCK TABLE ${ORDERS_TABLE} IN ACCESS EXCLUSIVE MODE`;

let pipeline: FreshPipeline;
let source: OrdersSource;
const open: Client[] = [];

beforeEach(async () => {
  pipeline = await freshPipeline({ cdc: { settle_ms: 0 } });
  source = createOrdersSource(pipeline.settings, SILENT);
  await pipeline.pool.query(`INSERT INTO ${ORDERS_TABLE} (amount) VALUES (1), (2)`);
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((client) => client.end()));
  await source.close();
  await pipeline.dispose();
});

async function session(application_name: string): Promise<Client & { pid: number }> {
  const { host, port, db: database, user, password } = pipeline.settings.postgres;
  const client = new Client({ host, port, database, user, password, application_name });
  client.on('error', () => undefined);
  await client.connect();
  open.push(client);
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  return Object.assign(client, { pid: rows[0]!.pid });
}

async function lockedBy(work: Promise<unknown>): Promise<TableLocked> {
  const error: unknown = await work.catch((failure: unknown) => failure);
  expect(error).toBeInstanceOf(TableLocked);
  return error as TableLocked;
}

async function readAll(): Promise<number> {
  const { signal } = new AbortController();
  const window = { lower: START, upper: { createdAt: NEXT.before, orderId: '0' } };
  let rows = 0;
  for await (const chunk of source.read(window, { signal })) rows += chunk.length;
  return rows;
}

test('whoever has locked the table is named by each that reads it, and can be ended as the message says', async () => {
  const migration = await session('migration');
  await migration.query(`BEGIN; ${LOCK}`);
  const errors = await Promise.all([
    lockedBy(source.nextWindow(NEXT)),
    lockedBy(source.check()),
    lockedBy(readAll()),
    lockedBy(createCountRewind(pipeline.settings, SILENT)(START, { createdAt: NEXT.before, orderId: '0' })),
  ]);
  for (const { message, hold } of errors) {
    expect(hold).toMatchObject({ kind: 'table lock' });
    expect(message).toContain(
      `pid ${migration.pid}, role ${pipeline.settings.postgres.user}, application "migration"`,
    );
  }
  // The lock is no older than the transaction.
  expect(Math.abs(Date.parse(errors[0].hold.since) - Date.now())).toBeLessThan(60_000);
  await pipeline.pool.query(/run: (.*;)/.exec(errors[0].message)![1]!);
  await eventually(async () => expect(await source.nextWindow(NEXT)).toMatchObject({ rows: 2 }));
  expect(await readAll()).toBe(2);
});

test('one who only waits for a lock is in front of us already; whom it waits for is named with it', async () => {
  const report = await session('report');
  await report.query(`BEGIN; SELECT FROM ${ORDERS_TABLE}`);
  const altering = await session('altering');
  const altered = altering.query(`ALTER TABLE ${ORDERS_TABLE} ADD COLUMN note text`).catch(() => undefined);
  await sleep(100);
  const { hold } = await lockedBy(source.nextWindow(NEXT));
  expect(hold.who).toMatch(
    new RegExp(
      `pid ${altering.pid}, .*"altering".* waits for pid ${report.pid}, .*"report", idle in transaction`,
    ),
  );
  await report.query('COMMIT');
  await altered;
  expect(await source.nextWindow(NEXT)).toMatchObject({ rows: 2 });
});

test('a lock on a partition counts', async () => {
  await pipeline.pool.query(`
    CREATE TABLE parted (LIKE ${ORDERS_TABLE} INCLUDING DEFAULTS) PARTITION BY RANGE (created_at);
    CREATE TABLE parted_all PARTITION OF parted DEFAULT`);
  const { settings } = pipeline;
  const parted = createOrdersSource(
    { ...settings, postgres: { ...settings.postgres, table: 'parted' } },
    SILENT,
  );
  try {
    await parted.check();
    const migration = await session('migration');
    await migration.query(`BEGIN; LOCK TABLE parted_all IN ACCESS EXCLUSIVE MODE`);
    const { hold } = await lockedBy(parted.nextWindow(NEXT));
    expect(hold.who).toContain(`pid ${migration.pid}`);
  } finally {
    await parted.close();
  }
});

test('a poll tells of the lock at once, goes on waiting, and finds the rows when it is released', async () => {
  await source.check();
  const poll = createPoll({ source, batchLimit: 10, intervalMs: 20, stopping: new AbortController().signal });
  const migration = await session('migration');
  await migration.query(`BEGIN; ${LOCK}`);
  const told = await inActivity(() => poll({ after: START, heldBy: null }));
  expect(told).toMatchObject({ rows: 0, heldBy: { kind: 'table lock' } });
  expect(told.heldBy!.who).toContain(`pid ${migration.pid}`);
  const waiting = inActivity(() => poll({ after: START, heldBy: told.heldBy }));
  await sleep(3_500); // the lock's time is over once more
  await migration.query('COMMIT');
  const found = await waiting;
  // Either what is known of the lock changed first, or the rows came.
  const rows =
    found.window === undefined ? await inActivity(() => poll({ after: START, heldBy: found.heldBy })) : found;
  expect(rows).toMatchObject({ rows: 2 });
});

test('a window is read whole, though the table is rewritten while the read waits for its lock', async () => {
  await source.check();
  const { upper } = (await source.nextWindow(NEXT))!;
  const altering = await session('altering');
  await altering.query(`BEGIN; ALTER TABLE ${ORDERS_TABLE} ALTER order_id TYPE bigint`);
  const { signal } = new AbortController();
  let rows = 0;
  const reading = (async () => {
    for await (const chunk of source.read({ lower: START, upper }, { signal })) rows += chunk.length;
  })();
  await sleep(300);
  await altering.query('COMMIT');
  await reading;
  // A COPY that waits has taken its snapshot already, for which the new table is empty.
  expect(rows).toBe(2);
});
