/** Rows as they are read, and what is waited for before they are. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createOrdersSource } from '../../../adapters/postgres';
import { ORDERS_TABLE, eventually } from '../../helpers/pipeline';
import { SILENT } from '../../helpers/telemetry';
import { START, signal, pipeline, source, session, insert, capture, ids } from './fresh-source';

test('the wire format keeps money, microseconds and every character', async () => {
  const texts = ['日本語 🍜', `it's "quoted"`, 'tab\tnew\nline\r\\back', '\u2028\u0001', 'x'.repeat(255)];
  for (const [index, amount] of ['0.10', '19.99', '99999999.99', '-5.50', '0.00'].entries()) {
    await pipeline.pool.query(
      `INSERT INTO ${ORDERS_TABLE} VALUES ($1, $2, 'R', 'I', $3, 'PLACED', '2025-11-18 23:59:59.637356')`,
      [index + 1, texts[index], amount],
    );
  }
  const { values, upper } = await capture(START);
  expect(values[0]).toBe(
    '{"order_id":1,"customer_name":"日本語 🍜","restaurant_name":"R","item":"I","amount":0.10,"order_status":"PLACED","created_at":"2025-11-18T23:59:59.637356Z"}',
  );
  expect(values.map((value) => (JSON.parse(value) as { customer_name: string }).customer_name)).toEqual(
    texts,
  );
  expect(values.map((value) => /"amount":([^,]+)/.exec(value)![1])).toEqual([
    '0.10',
    '19.99',
    '99999999.99',
    '-5.50',
    '0.00',
  ]);
  expect(upper).toEqual({ createdAt: '2025-11-18T23:59:59.637356Z', orderId: '5' });
});

test('keys are order ids beyond 2^53, and null where the id is NULL', async () => {
  await pipeline.pool.query(
    `ALTER TABLE ${ORDERS_TABLE} DROP CONSTRAINT "2025em1100102_orders_pkey", ALTER order_id TYPE bigint, ALTER order_id DROP NOT NULL`,
  );
  await pipeline.pool.query(
    `INSERT INTO ${ORDERS_TABLE} (order_id, created_at) VALUES (9007199254740993, '2025-01-01'), (NULL, '2025-01-01'), (NULL, '2025-01-01')`,
  );
  const window = (await source.nextWindow({
    after: START,
    before: '2026-01-01T00:00:00.000000Z',
    limit: 2,
  }))!;
  const keys: (string | null)[] = [];
  for await (const chunk of source.read({ lower: START, upper: window.upper }, { signal })) {
    keys.push(...chunk.map(({ key }) => key));
  }
  // Rows without an id stand together behind the others of their time, so no LIMIT can split and lose them.
  expect(keys).toEqual(['9007199254740993', null, null]);
});

test('thousands of rows with one created_at, taken in smaller batches: none lost, none twice', async () => {
  await pipeline.pool.query(
    `INSERT INTO ${ORDERS_TABLE} (customer_name, created_at) SELECT 'same', '2025-11-18 10:00:00' FROM generate_series(1, 5000)`,
  );
  const seen: (number | null)[] = [];
  for (let place = START; ;) {
    const { values, upper } = await capture(place, 700);
    if (values.length === 0) break;
    seen.push(...ids(values));
    place = upper;
  }
  expect(seen).toEqual(Array.from({ length: 5000 }, (_, index) => index + 1));
});

test('a transaction that began before others and commits after them is waited for', async () => {
  const early = await session();
  await early.query('BEGIN');
  await insert(early, `'early','B','C',1,'PLACED'`);
  await insert(pipeline.pool, `'late','B','C',1,'PLACED'`);
  const { before, heldBy } = await source.horizon();
  expect(heldBy).toMatchObject({ kind: 'open transaction' });
  const first = await capture(START);
  expect(first.values).toEqual([]);
  expect(before).toBeDefined();

  await early.query('COMMIT');
  const second = await eventually(async () => {
    const captured = await capture(START);
    expect(captured.values).toHaveLength(2);
    return captured;
  });
  expect(ids(second.values)).toEqual([1, 2]);
  expect((await source.horizon()).heldBy).toBeUndefined();
});

test('a prepared transaction that wrote to the table is waited for, though PREPARE hides when it began', async () => {
  const preparing = await session();
  await preparing.query('BEGIN');
  await insert(preparing, `'prepared','B','C',1,'PLACED'`);
  await sleep(50);
  await insert(pipeline.pool, `'other','B','C',1,'PLACED'`);
  await sleep(50);
  await preparing.query(`PREPARE TRANSACTION '${pipeline.name}'`);

  // The view shows the moment of PREPARE, which is after both rows: taken for the start, it would lose the first.
  const prepared = await pipeline.pool.query<{ later: boolean }>(
    `SELECT prepared AT TIME ZONE 'UTC' > (SELECT max(created_at) FROM ${ORDERS_TABLE}) AS later FROM pg_prepared_xacts WHERE gid = $1`,
    [pipeline.name],
  );
  expect(prepared.rows).toEqual([{ later: true }]);
  const horizon = await source.horizon();
  expect(horizon.before).toBeUndefined();
  expect(horizon.heldBy).toMatchObject({ kind: 'prepared transaction' });
  expect(horizon.heldBy!.who).toContain(pipeline.name);

  await pipeline.pool.query(`COMMIT PREPARED '${pipeline.name}'`);
  const captured = await eventually(async () => {
    const found = await capture(START);
    expect(found.values).toHaveLength(2);
    return found;
  });
  expect(ids(captured.values)).toEqual([1, 2]);
});

test.each([
  ['open transaction', 0],
  ['prepared transaction', 0],
  ['prepared transaction', 1],
])('what is said of an %s ends it, statement %i', async (kind, nth) => {
  const holder = await session();
  await holder.query('BEGIN');
  await insert(holder, `'held','B','C',1,'PLACED'`);
  if (kind === 'prepared transaction') await holder.query(`PREPARE TRANSACTION '${pipeline.name}''s'`);
  const { heldBy } = await source.horizon();
  expect(heldBy!.kind).toBe(kind);
  await pipeline.pool.query(heldBy!.mend!.split(' or ')[nth]!);
  await eventually(async () => expect((await source.horizon()).heldBy).toBeUndefined());
});

test('a prepared transaction that did not touch the table holds nothing back', async () => {
  await pipeline.pool.query('CREATE TABLE elsewhere (n int)');
  const preparing = await session();
  await preparing.query('BEGIN');
  await preparing.query('INSERT INTO elsewhere VALUES (1)');
  await preparing.query(`PREPARE TRANSACTION '${pipeline.name}'`);
  expect((await source.horizon()).before).toBeDefined();
  await pipeline.pool.query(`ROLLBACK PREPARED '${pipeline.name}'`);
});

test('sessions named in ignore_application_names hold nothing back', async () => {
  const dump = await session({ application_name: 'pg_dump' });
  await dump.query('BEGIN; SELECT 1');
  expect((await source.horizon()).heldBy).toBeDefined();
  const lenient = createOrdersSource(
    {
      ...pipeline.settings,
      cdc: { ...pipeline.settings.cdc, ignore_application_names: ['pg_dump'] },
    },
    SILENT,
  );
  expect((await lenient.horizon()).heldBy).toBeUndefined();
  await lenient.close();
});

test('a window reads the same rows however often, also when rows were added around it', async () => {
  for (let i = 0; i < 5; i++) await insert(pipeline.pool);
  const { upper } = await capture(START, 3);
  await insert(pipeline.pool);
  const values: string[] = [];
  for await (const chunk of source.read({ lower: START, upper }, { signal }))
    values.push(...chunk.map(({ value }) => String(value)));
  expect(ids(values)).toEqual([1, 2, 3]);
});

test('an aborted read ends at once and leaves a usable pool', async () => {
  await pipeline.pool.query(
    `INSERT INTO ${ORDERS_TABLE} (customer_name) SELECT repeat('x', 200) FROM generate_series(1, 50000)`,
  );
  const { upper } = await eventually(async () => {
    const { before } = await source.horizon();
    return (await source.nextWindow({ after: START, before: before!, limit: 50000 }))!;
  });
  const aborter = new AbortController();
  const reading = (async () => {
    for await (const chunk of source.read({ lower: START, upper }, { signal: aborter.signal })) {
      if (chunk.length > 0) aborter.abort();
    }
  })();
  await expect(reading).rejects.toThrow();
  await expect(source.check()).resolves.toBeDefined();
});

test('an unreachable server and a wrong password: one is retried, the other is not, both are named', async () => {
  const nobody = createOrdersSource(
    {
      ...pipeline.settings,
      postgres: { ...pipeline.settings.postgres, port: 1 },
    },
    SILENT,
  );
  await expect(nobody.horizon()).rejects.toThrow(/PostgreSQL 127\.0\.0\.1:1\/.*ECONNREFUSED/);
  await nobody.close();
  const wrong = createOrdersSource(
    {
      ...pipeline.settings,
      postgres: { ...pipeline.settings.postgres, password: 'wrong' },
    },
    SILENT,
  );
  await expect(wrong.horizon()).rejects.toMatchObject({ type: 'InvalidSettings' });
  await wrong.close();
});
