/**
 * Rows become visible at COMMIT, but created_at says when their transaction began. Whatever transactions do, a
 * capture that only ever goes forward must see each committed row, and see it once. What lets it fail, apart from the
 * horizon itself, is a transaction that has its start and does not show it yet; cdc.settle_ms is for those, and with
 * 30 sessions on few cores some are kept waiting just there. Rows with a created_at of the client's own are beyond any
 * horizon; they must at least be noticed.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { PoolClient } from 'pg';
import { isDeepStrictEqual } from 'node:util';
import type { OrdersSource } from '../../../ports';
import { detectLateRows } from '../../../activities/capture/detect-late-rows';
import { addMissed, NONE_MISSED, type Missed } from '../../../domain/missed';
import { lateStatus } from '../../../workflows/capture/late-rows';
import { advanced, opened, polled } from '../../../workflows/capture/state';
import { createOrdersSource } from '../../../adapters/postgres';
import { watermarkFrom } from '../../../domain/watermark';
import { seeded, type Random } from '../../../dev/torture/random';
import { ORDERS_TABLE, freshPipeline, type FreshPipeline } from '../../helpers/pipeline';
import { SILENT } from '../../helpers/telemetry';

const SESSIONS = 30;
/** With few of them nearly all transactions are done when the next look comes, and there is a past to write into. */
const FEWER_SESSIONS = 6;
/** Prepared transactions stop capture altogether. With more of them it would begin when all is over, and prove nothing. */
const PREPARED_SHARE = 0.03;
/** Small, so that windows end among rows of one transaction, which all have one created_at. */
const BATCH_LIMIT = 17;

/** The writers' time is fixed; what they have written is read in small windows, which takes long on a busy machine. */
jest.setTimeout(180_000);

let pipeline: FreshPipeline;
let source: OrdersSource;

beforeAll(async () => {
  pipeline = await freshPipeline();
  pipeline.pool.options.max = SESSIONS + 5;
  source = createOrdersSource(pipeline.settings, SILENT);
});
afterAll(async () => {
  await source.close();
  await pipeline.dispose();
});

test('each committed row is captured exactly once, however its transaction went', async () => {
  const { seen, seenMeanwhile, missed, outcomes } = await captureWhile({
    seconds: 12,
    sessions: SESSIONS,
    write: insert,
  });
  const { rows } = await pipeline.pool.query<{ id: string }>(
    `SELECT order_id::text AS id FROM ${ORDERS_TABLE} ORDER BY created_at, order_id`,
  );
  expect(seen).toEqual(rows.map(({ id }) => id));
  // Some twenty windows among open transactions; how large a share that is depends on the machine.
  expect(seenMeanwhile).toBeGreaterThan(20 * BATCH_LIMIT);
  // Rows of transactions that are still open stand above the watermark: not once were they taken for missed ones.
  expect(missed).toEqual([NONE_MISSED]);
  for (const kind of ['committed', 'rolled back', 'prepared', 'prepared and rolled back'])
    expect(outcomes.filter((one) => one === kind).length).toBeGreaterThan(5);
});

test('rows that clients set to the past are counted exactly, each once, in long transactions too', async () => {
  await pipeline.pool.query(`TRUNCATE ${ORDERS_TABLE}`);
  const { seen, missed } = await captureWhile({
    seconds: 7,
    sessions: FEWER_SESSIONS,
    write: backdate,
  });
  const { rows } = await pipeline.pool.query<{ id: string; at: string | null }>(
    `SELECT order_id::text AS id, to_char(created_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at FROM ${ORDERS_TABLE}`,
  );
  const captured = new Set(seen);
  expect(captured.size).toBe(seen.length);
  const notSeen = rows.filter(({ id }) => !captured.has(id));
  const backdated = notSeen.filter(({ at }) => at !== null);
  expect(backdated.length).toBeGreaterThan(50);
  expect(missed.at(-1)).toMatchObject({ backdated: backdated.length });
  const { examples, from } = missed.at(-1)!;
  expect(backdated.map(({ id }) => id)).toEqual(expect.arrayContaining(examples));
  expect(examples.length).toBeGreaterThan(0);
  expect(backdated.filter(({ at }) => at! < from!)).toEqual([]);
});

/** Runs capture and writers side by side. */
async function captureWhile(options: {
  seconds: number;
  sessions: number;
  write: Write;
}): Promise<Captured & { outcomes: Outcome[] }> {
  const { seconds, sessions, write } = options;
  const seed = Number(process.env['LATE_SEED'] ?? Date.now() % 1e6);
  console.log(`LATE_SEED=${seed} repeats this run's transactions`);
  const random = seeded(seed);
  const end = Date.now() + seconds * 1_000;
  const ended = { value: false };
  let begun = () => undefined as void;
  const firstLook = new Promise<void>((resolve) => (begun = resolve));
  const captured = capture(() => ended.value, begun);
  await firstLook; // what is open then is watched only from its next row on
  const outcomes = await Promise.all(
    Array.from({ length: sessions }, (_, session) => transactions(random, session, end, write)),
  );
  ended.value = true;
  return { ...(await captured), outcomes: outcomes.flat() };
}

interface Captured {
  /** Ids in the order in which they were captured. */
  seen: string[];
  /** How many of them while transactions were still at work. */
  seenMeanwhile: number;
  /** Each different answer to what was missed. */
  missed: Missed[];
}

/** The loop of `captureOrders`, without the rest, but with its own state. */
async function capture(writersEnded: () => boolean, begun: () => void): Promise<Captured> {
  const { signal } = new AbortController();
  const seen: string[] = [];
  let seenMeanwhile = 0;
  const missed: Missed[] = [];
  let state = opened({
    sequence: 0,
    watermark: watermarkFrom({ createdAt: '1970-01-01T00:00:00Z' }),
    startedFrom: 'default_start_timestamp',
    warnings: [],
  });
  let looked = 0;
  const look = async () => {
    const { watermark: after, watch = null } = state;
    const horizon = await source.horizon();
    const behind = await detectLateRows(source, { watch, after, horizon });
    expect(behind.watch).not.toBeNull();
    state = polled(state, { rows: 0, more: false, clock: horizon.clock, heldBy: null, behind });
    const now = addMissed(lateStatus(state).missed ?? NONE_MISSED, NONE_MISSED);
    if (!isDeepStrictEqual(now, missed.at(-1))) missed.push(now);
    looked = Date.now();
    begun();
  };
  for (let last = false; ;) {
    const { watermark: lower } = state;
    if (Date.now() - looked > 100) await look();
    const { before } = await source.horizon();
    const window =
      before === undefined
        ? undefined
        : await source.nextWindow({ after: lower, before, limit: BATCH_LIMIT });
    if (window !== undefined) {
      const { length } = seen;
      for await (const chunk of source.read({ lower, upper: window.upper }, { signal }))
        seen.push(...chunk.map(({ key }) => String(key)));
      if (!writersEnded()) seenMeanwhile = seen.length;
      const { upper } = window;
      state = advanced(state, {
        sequence: state.sequence + 1,
        watermark: upper,
        rows: seen.length - length,
      });
    } else if (last) {
      await look();
      return { seen, seenMeanwhile, missed };
    } else {
      // Once more after the settle margin of the last commit has passed.
      last = writersEnded();
      await sleep(last ? 2 * pipeline.settings.cdc.settle_ms : 2);
    }
  }
}

type Write = (client: PoolClient, random: Random) => Promise<void>;
type Outcome = 'committed' | 'rolled back' | 'prepared' | 'prepared and rolled back';

async function transactions(random: Random, session: number, end: number, write: Write): Promise<Outcome[]> {
  const client = await pipeline.pool.connect();
  const outcomes: Outcome[] = [];
  try {
    while (Date.now() < end) {
      outcomes.push(await transaction(client, random, write, `late-${session}-${outcomes.length}`));
      await sleep(random.between(0, 30));
    }
  } finally {
    client.release();
  }
  return outcomes;
}

/** Most are short; some last hundreds of times as long, so that many begin and commit within them. */
async function transaction(client: PoolClient, random: Random, write: Write, gid: string): Promise<Outcome> {
  const pauseMs = () => random.pick([0, 0, 1, 5, 50, 500]);
  await client.query('BEGIN');
  for (let statement = random.between(1, 4); statement > 0; statement -= 1) {
    await write(client, random);
    if (random.next() < 0.3) {
      await client.query('SAVEPOINT s');
      await write(client, random);
      await client.query(random.next() < 0.5 ? 'ROLLBACK TO SAVEPOINT s' : 'RELEASE SAVEPOINT s');
    }
    await sleep(random.between(0, pauseMs()));
  }
  const commits = random.next() < 0.75;
  if (random.next() < PREPARED_SHARE) {
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

/** A third as above; the others by the client's own clock: just now, some time ago, never. */
async function backdate(client: PoolClient, random: Random): Promise<void> {
  if (random.next() < 0.3) return insert(client, random);
  const ago = random.pick(['0.05 s', '0.3 s', '2 s', '1 hour', null]);
  const moment = ago === null ? 'NULL' : `clock_timestamp() - interval '${ago}' - i * interval '1 ms'`;
  await client.query(
    `INSERT INTO ${ORDERS_TABLE} (customer_name, restaurant_name, item, amount, order_status, created_at)
     SELECT 'past', 'r', 'i', 5, 'PLACED', ${moment} FROM generate_series(1, ${random.between(1, 4)}) i`,
  );
}
