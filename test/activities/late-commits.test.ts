/**
 * Rows become visible at COMMIT, but created_at says when their transaction began. Whatever transactions do, a
 * capture that only ever goes forward must see each committed row, and see it once.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { PoolClient } from 'pg';
import type { OrdersSource } from '../../activities/interfaces';
import { createOrdersSource } from '../../adapters/postgres';
import { watermarkFrom } from '../../model/watermark';
import { seeded, type Random } from '../../torture/random';
import { ORDERS_TABLE, freshPipeline, type FreshPipeline } from '../helpers/pipeline';

const SESSIONS = 30;
const SECONDS = 12;
/** Small, so that windows end among rows of one transaction, which all have one created_at. */
const BATCH_LIMIT = 17;

let pipeline: FreshPipeline;
let source: OrdersSource;

beforeAll(async () => {
  pipeline = await freshPipeline();
  pipeline.pool.options.max = SESSIONS + 5;
  source = createOrdersSource(pipeline.settings);
});
afterAll(async () => {
  await source.close();
  await pipeline.dispose();
});

test('each committed row is captured exactly once, however its transaction went', async () => {
  const seed = Number(process.env['LATE_SEED'] ?? Date.now() % 1e6);
  console.log(`LATE_SEED=${seed} repeats this run's transactions`);
  const random = seeded(seed);
  const end = Date.now() + SECONDS * 1_000;
  const ended = { value: false };
  const captured = capture(() => ended.value);
  const outcomes = await Promise.all(
    Array.from({ length: SESSIONS }, (_, session) => transactions(random, session, end)),
  );
  ended.value = true;
  const seen = await captured;

  const { rows } = await pipeline.pool.query<{ id: string }>(
    `SELECT order_id::text AS id FROM ${ORDERS_TABLE} ORDER BY created_at, order_id`,
  );
  expect(seen).toEqual(rows.map(({ id }) => id));
  const done = outcomes.flat();
  for (const kind of ['committed', 'rolled back', 'prepared', 'prepared and rolled back'])
    expect(done.filter((one) => one === kind).length).toBeGreaterThan(5);
});

/** The loop of `captureOrders`, without the rest: every order_id, in the order captured. */
async function capture(writersEnded: () => boolean): Promise<string[]> {
  const { signal } = new AbortController();
  const seen: string[] = [];
  let after = watermarkFrom({ createdAt: '1970-01-01T00:00:00Z' });
  for (let last = false; ;) {
    const { before } = await source.horizon();
    const window =
      before === undefined ? undefined : await source.nextWindow({ after, before, limit: BATCH_LIMIT });
    if (window !== undefined) {
      for await (const chunk of source.read({ lower: after, upper: window.upper }, { signal }))
        seen.push(...chunk.map(({ key }) => String(key)));
      after = window.upper;
    } else if (last) {
      return seen;
    } else {
      // Once more after the settle margin of the last commit has passed.
      last = writersEnded();
      await sleep(last ? 2 * pipeline.settings.cdc.settle_ms : 2);
    }
  }
}

type Outcome = 'committed' | 'rolled back' | 'prepared' | 'prepared and rolled back';

async function transactions(random: Random, session: number, end: number): Promise<Outcome[]> {
  const client = await pipeline.pool.connect();
  const outcomes: Outcome[] = [];
  try {
    while (Date.now() < end) {
      outcomes.push(await transaction(client, random, `late-${session}-${outcomes.length}`));
      await sleep(random.between(0, 30));
    }
  } finally {
    client.release();
  }
  return outcomes;
}

/** Most are short; some last hundreds of times as long, so that many begin and commit within them. */
async function transaction(client: PoolClient, random: Random, gid: string): Promise<Outcome> {
  const pauseMs = () => random.pick([0, 0, 1, 5, 50, 500]);
  await client.query('BEGIN');
  for (let statement = random.between(1, 4); statement > 0; statement -= 1) {
    await insert(client, random);
    if (random.next() < 0.3) {
      await client.query('SAVEPOINT s');
      await insert(client, random);
      await client.query(random.next() < 0.5 ? 'ROLLBACK TO SAVEPOINT s' : 'RELEASE SAVEPOINT s');
    }
    await sleep(random.between(0, pauseMs()));
  }
  const commits = random.next() < 0.75;
  if (random.next() < 0.3) {
    await client.query(`PREPARE TRANSACTION '${gid}'`);
    await sleep(random.between(0, pauseMs()));
    await client.query(`${commits ? 'COMMIT' : 'ROLLBACK'} PREPARED '${gid}'`);
    return commits ? 'prepared' : 'prepared and rolled back';
  }
  await client.query(commits ? 'COMMIT' : 'ROLLBACK');
  return commits ? 'committed' : 'rolled back';
}

/** All rows of a transaction have one created_at; a third are rounded, so that transactions share theirs, too. */
async function insert(client: PoolClient, random: Random): Promise<void> {
  const rows = random.between(1, 12);
  const moment = random.next() < 0.3 ? "date_trunc('milliseconds', CURRENT_TIMESTAMP)" : 'CURRENT_TIMESTAMP';
  await client.query(
    `INSERT INTO ${ORDERS_TABLE} (customer_name, restaurant_name, item, amount, order_status, created_at)
     SELECT 'late', 'r', 'i', 5, 'PLACED', ${moment} FROM generate_series(1, ${rows})`,
  );
}
