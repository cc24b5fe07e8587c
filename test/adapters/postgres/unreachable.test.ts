/** Rows that capture does not reach, counted by a look at a real table; and the look itself where it fails. */
import { setTimeout as sleep } from 'node:timers/promises';
import { detectLateRows } from '../../../activities/capture/detect-late-rows';
import type { Horizon, OrdersSource } from '../../../ports';
import { createOrdersSource } from '../../../adapters/postgres';
import { gapsBefore, LOWEST_PLACE, movedGaps } from '../../../domain/gaps';
import { describeUnreachable, type Unreachable } from '../../../domain/unreachable';
import { watermarkFrom, type Watermark } from '../../../domain/watermark';
import { ORDERS_TABLE, freshPipeline, type FreshPipeline } from '../../helpers/pipeline';
import { SILENT } from '../../helpers/telemetry';

let pipeline: FreshPipeline;
let source: OrdersSource;

beforeEach(async () => {
  pipeline = await freshPipeline();
  source = createOrdersSource(pipeline.settings, SILENT);
});
afterEach(async () => {
  await source.close();
  await pipeline.dispose();
});

/** As SQL, with ids 1, 2, … */
async function insert(...createdAt: string[]): Promise<void> {
  for (const moment of createdAt)
    await pipeline.pool.query(`INSERT INTO ${ORDERS_TABLE} (amount, created_at) SELECT 1, ${moment}`);
}

async function look(
  upTo: Watermark = LOWEST_PLACE,
  gaps = gapsBefore(LOWEST_PLACE, ''),
): Promise<Unreachable[]> {
  const { clock } = await source.horizon();
  return (await source.detectLateRows({ baselines: [], upTo, gaps, clock, idAgeMs: 10_000 })).unreachable;
}

const shown = (found: Unreachable[]) =>
  found.map(({ kind, rows, examples }) => `${kind} ${rows}: ${examples.join()}`);

const EACH_KIND = [
  `now() AT TIME ZONE 'UTC' + interval '1 day'`,
  'NULL',
  `'infinity'`,
  `'-infinity'`,
  `'0044-03-15 BC'`,
  `'10000-01-01 12:00'`,
  `'294276-12-31 23:59'`,
  `'4713-01-01 BC'`,
  `'9999-12-30'`,
  `'0001-01-02'`,
];
const COUNTED = [
  'in the future 2: 1,9',
  'without created_at 1: 2',
  'infinity 1: 3',
  '-infinity 1: 4',
  'before year 1 2: 8,5',
  'after year 9999 2: 6,7',
];

test.each([
  ['timestamp', 'UTC'],
  ['timestamp', 'America/New_York'],
  ['timestamp', 'Asia/Kolkata'],
  ['timestamptz', 'UTC'],
])(
  '%s in %s: each kind is counted once, and the statement that is told brings its rows',
  async (type, timezone) => {
    await source.close();
    source = createOrdersSource(
      {
        ...pipeline.settings,
        postgres: { ...pipeline.settings.postgres, timezone },
      },
      SILENT,
    );
    await pipeline.pool.query(`ALTER TABLE ${ORDERS_TABLE} ALTER created_at TYPE ${type}`);
    await insert(...EACH_KIND);
    const found = await look();
    expect(shown(found)).toEqual(COUNTED);
    const { before } = await source.horizon();
    expect((await source.nextWindow({ after: LOWEST_PLACE, before: before!, limit: 100 }))?.rows).toBe(1);

    for (const one of found) {
      const { toDo } = describeUnreachable(one);
      const [statement = ''] = /UPDATE [^;]*;/.exec(toDo) ?? [];
      await pipeline.pool.query(`SET TimeZone TO 'Pacific/Auckland'; ${statement}`);
    }
    expect(await look()).toEqual([]);
    await sleep(500);
    const then = (await source.horizon()).before!;
    expect((await source.nextWindow({ after: LOWEST_PLACE, before: then, limit: 100 }))?.rows).toBe(10);
  },
);

test('a session in another zone puts its rows hours ahead: they are told until their time has come', async () => {
  await pipeline.pool.query(
    `SET TimeZone TO 'Asia/Kolkata'; INSERT INTO ${ORDERS_TABLE} (amount) VALUES (1), (2), (3)`,
  );
  const [found] = await look();
  expect(found).toMatchObject({ kind: 'in the future', rows: 3 });
  expect(describeUnreachable(found!)).toMatchObject({
    found: expect.stringMatching(/^3 rows lie in the future, from 2.*order_id 1, 2, 3$/) as string,
    toDo: expect.stringContaining('Is postgres.timezone right') as string,
  });
  // What capture has passed, as after a clock that was set back, was captured.
  const reached = watermarkFrom({ createdAt: '9000-01-01' });
  expect(await look(reached, [])).toEqual([]);
});

test('places passed over are counted by themselves, each row once, and told with the reset that brings them', async () => {
  await insert(`'1969-07-20'`, `'0001-01-01'`, `'2020-01-01'`, `'2021-01-01'`, `'2022-01-01'`, 'NULL');
  const at = (createdAt: string) => watermarkFrom({ createdAt });
  let gaps = gapsBefore(at('1970-01-01'), 'setting');
  gaps = movedGaps(gaps, { from: at('2020-06-01'), to: at('2021-06-01'), because: 'reset', detail: 'reset' });
  const upTo = at('2023-01-01');
  expect(shown(await look(upTo, gaps))).toEqual([
    'before the start 2: 2,1',
    'passed over 1: 4',
    'without created_at 1: 6',
  ]);
  const [first] = await look(upTo, gaps);
  const [, payload] = /resetWatermark --input '(\{.*?\})'/.exec(describeUnreachable(first!).toDo) ?? [];
  const { createdAt } = JSON.parse(payload!) as { createdAt: string };
  const move = { from: upTo, to: at(createdAt), because: 'reset', detail: '' } as const;
  expect(shown(await look(at(createdAt), movedGaps(gaps, move)))).toEqual(['without created_at 1: 6']);
  expect(await source.nextWindow({ after: at(createdAt), before: upTo.createdAt, limit: 10 })).toMatchObject({
    rows: 5,
  });
});

test('a new row in a gap is counted there and not as missed, one behind the watermark as missed alone', async () => {
  await insert(`'2020-01-01'`);
  const at = (createdAt: string) => watermarkFrom({ createdAt });
  const gaps = gapsBefore(at('2000-01-01'), 'setting');
  const horizon = await source.horizon();
  const options = { after: at('2021-01-01'), horizon, gaps };
  const first = await detectLateRows(source, { ...options, watch: null });
  await insert(`'1999-01-01'`, `'2020-05-05'`, `'2020-06-06'`, 'NULL');
  const { watch } = await detectLateRows(source, { ...options, watch: first.watch });
  expect(watch?.found).toMatchObject({ backdated: 2, examples: ['3', '4'] });
  expect(shown(watch!.unreachable!)).toEqual(['before the start 1: 2', 'without created_at 1: 5']);
});

test('counting ends at 10,000, and says that there are more', async () => {
  await pipeline.pool.query(
    `INSERT INTO ${ORDERS_TABLE} (amount, created_at) SELECT 1, NULL FROM generate_series(1, 10005)`,
  );
  const [found] = await look();
  expect(found).toMatchObject({ rows: 10_000, more: true });
  expect(describeUnreachable(found!).found).toMatch(/^more than 10000 rows without a created_at/);
});

test('without any index they are counted all the same', async () => {
  await pipeline.pool.query(
    `ALTER TABLE ${ORDERS_TABLE} DROP CONSTRAINT "2025em1100102_orders_pkey", ALTER order_id DROP NOT NULL;
     DROP INDEX "2025em1100102_orders_created_at_order_id_idx"`,
  );
  await insert(...EACH_KIND);
  expect(shown(await look())).toEqual(COUNTED);
});

describe('a look that fails', () => {
  const failing = (error = 'canceling statement due to statement timeout') => ({
    detectLateRows: () => Promise.reject(new Error(error)),
  });
  const at = watermarkFrom({ createdAt: '2021-01-01' });
  const options = async () => ({ after: at, horizon: await source.horizon() });

  test('is told, keeps what it goes by, and counts later what came meanwhile', async () => {
    const first = await detectLateRows(source, { ...(await options()), watch: null });
    await insert(`'2020-01-01'`);
    const failed = await detectLateRows(failing(), { ...(await options()), watch: first.watch });
    expect(failed.watch).toMatchObject({
      failing: { looks: 1, error: expect.stringContaining('timeout') as string },
    });
    const again = await detectLateRows(failing(), { ...(await options()), watch: failed.watch });
    expect(again.watch?.failing).toEqual({ ...failed.watch!.failing, looks: 2 });
    const later = await detectLateRows(source, { ...(await options()), watch: again.watch });
    expect(later.watch).toMatchObject({ found: { backdated: 1 } });
    expect(later.watch).not.toHaveProperty('failing');
  });

  test('again and again, though one that has nothing to go by works, begins anew and says since when', async () => {
    const { watch } = await detectLateRows(source, { ...(await options()), watch: null });
    const { takenAt } = watch!.baselines[0]!;
    await insert(`'2020-01-01'`, 'NULL');
    const known = { ...watch!, found: { backdated: 3, examples: [], from: at.createdAt } };
    const heavy: Pick<OrdersSource, 'detectLateRows'> = {
      detectLateRows: (asked) =>
        asked.baselines.length > 0 ? failing().detectLateRows() : source.detectLateRows(asked),
    };
    let last = await detectLateRows(heavy, { ...(await options()), watch: known });
    last = await detectLateRows(heavy, { ...(await options()), watch: last.watch });
    expect(last.uncounted).toBeUndefined();
    last = await detectLateRows(heavy, { ...(await options()), watch: last.watch });
    expect(last).toMatchObject({ settled: { backdated: 3 }, uncounted: { from: takenAt } });
    expect(last.watch).toMatchObject({ baselines: [{ published: 0 }], unreachable: [{ rows: 1 }] });
    expect(last.watch).not.toHaveProperty('failing');
  });
});

test('ids that fall are noticed: what they bring with an old created_at is not counted', async () => {
  await insert(`now() AT TIME ZONE 'UTC'`);
  await pipeline.pool.query(
    `ALTER SEQUENCE "2025em1100102_orders_order_id_seq" MINVALUE -1000 INCREMENT BY -1`,
  );
  const look2 = async (watch: Awaited<ReturnType<typeof detectLateRows>>['watch'], after: Watermark) => {
    const horizon: Horizon = await source.horizon();
    return (await detectLateRows(source, { watch, after, horizon, idAgeMs: 0 })).watch!;
  };
  const captured = async () => {
    const { rows } = await pipeline.pool.query<{ at: string }>(
      `SELECT to_char(max(created_at), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at FROM ${ORDERS_TABLE}`,
    );
    return watermarkFrom({ createdAt: rows[0]!.at, orderId: '9223372036854775807' });
  };
  const first = await look2(null, await captured());
  await insert(`clock_timestamp() AT TIME ZONE 'UTC'`);
  const second = await look2(first, await captured());
  expect(second.fallingId).toMatchObject({ orderId: '0' });
  await insert(`clock_timestamp() AT TIME ZONE 'UTC'`);
  expect((await look2(second, await captured())).fallingId).toEqual(second.fallingId);
});

/** What a second look finds missed, after rows came behind the place that the first one was at. */
async function missedSince(first: string, come: () => Promise<unknown>) {
  const options = { after: watermarkFrom({ createdAt: first }), horizon: await source.horizon() };
  const { watch } = await detectLateRows(source, { ...options, watch: null });
  await come();
  return (await detectLateRows(source, { ...options, watch })).watch!.found;
}

test('rows without an order_id that come behind are counted, those that were there are not', async () => {
  await pipeline.pool.query(
    `ALTER TABLE ${ORDERS_TABLE} DROP CONSTRAINT "2025em1100102_orders_pkey", ALTER order_id DROP NOT NULL`,
  );
  const nameless = (createdAt: string) =>
    pipeline.pool.query(
      `INSERT INTO ${ORDERS_TABLE} (order_id, amount, created_at) VALUES (NULL, 1, '${createdAt}')`,
    );
  await nameless('2020-01-01');
  const found = await missedSince('2021-01-01', async () => {
    await nameless('2020-06-01');
    await nameless('2022-01-01');
    await insert(`'2020-07-01'`);
  });
  expect(found).toMatchObject({ backdated: 2, from: '2020-01-01T00:00:00.000000Z' });
});

test('the hour that repeats when clocks are put back is counted as missed', async () => {
  await source.close();
  const postgres = { ...pipeline.settings.postgres, timezone: 'Europe/Berlin' };
  source = createOrdersSource({ ...pipeline.settings, postgres }, SILENT);
  // 02:50 of summer time was captured last; 02:10 of winter time comes after it.
  const found = await missedSince('2025-10-26T01:50:00Z', () =>
    insert(`'2025-10-26 02:10'`, `'2025-10-26 03:10'`),
  );
  expect(found).toMatchObject({ backdated: 1, examples: ['1'] });
});
