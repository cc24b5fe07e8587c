/** What reconciliation asks of the table of orders, by itself; what comes of it is in e2e/verify. */
import { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { createSourceRows } from '../../../adapters/postgres';
import { ORDERS } from '../../../domain/table/orders';
import { watermarkFrom } from '../../../domain/watermark';
import type { OpenRows, SourceRows } from '../../../ports';
import { ORDERS_TABLE, freshPipeline, type FreshPipeline } from '../../helpers/pipeline';
import { SILENT } from '../../helpers/telemetry';

const DAYS = { from: '2025-11-18T00:00:00.000000Z', to: '2025-11-20T00:00:00.000000Z' };

let pipeline: FreshPipeline;
let rows: SourceRows;
let open: OpenRows;

/** Ids 1 to 5: two on a day, one on the next, one beyond it, and one without a time. */
beforeAll(async () => {
  pipeline = await freshPipeline();
  await pipeline.pool.query(`
    INSERT INTO ${ORDERS_TABLE} (customer_name, amount, created_at) VALUES
      ('a', 1.50, '2025-11-18 10:00:00'), ('b', 2.25, '2025-11-18 11:30:00'), ('c', 3, '2025-11-19 23:59:59.999999'),
      ('d', 4, '2025-11-20 00:00:00'), ('e', 5, NULL)`);
  rows = createSourceRows(pipeline.settings, SILENT);
  open = await rows.open();
});
afterAll(async () => {
  await rows.close();
  await pipeline.dispose();
});

test('rows of a period are added up by day and by hour', async () => {
  const days = await open.sums(DAYS, 'day');
  expect([...days].map(([day, sums]) => [day, sums.rows, sums.total]).sort()).toEqual([
    ['2025-11-18', 2, 375n],
    ['2025-11-19', 1, 300n],
  ]);
  const hours = await open.sums(DAYS, 'hour');
  expect([...hours.keys()].sort()).toEqual(['2025-11-18T10', '2025-11-18T11', '2025-11-19T23']);
});

test('hashes are copied a line a row, and add up to those of the sums', async () => {
  let text = '';
  const into = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      done();
    },
  });
  await open.copyHashes(DAYS, () => into);
  const lines = text.trimEnd().split('\n');
  expect(lines.map((line) => line.split(',')[0]).sort()).toEqual(['1', '2', '3']);
  expect(lines.find((line) => line.startsWith('3,'))).toMatch(/^3,1763596799999999,-?\d+$/);
  const hashes = lines.map((line) => BigInt(line.split(',')[2]!));
  const summed = [...(await open.sums(DAYS, 'day')).values()].map(({ hash }) => hash);
  const sum = (values: bigint[]) =>
    BigInt.asUintN(
      64,
      values.reduce((a, b) => a + b, 0n),
    );
  expect(sum(hashes)).toBe(sum(summed));
});

test('rows are found by id as text, but those without a time', async () => {
  const found = await open.rowsById(['2', '5', '99']);
  expect(found).toEqual([
    expect.objectContaining({
      [ORDERS.key.name]: '2',
      [ORDERS.total.name]: '2.25',
      [ORDERS.position.name]: '1763465400000000',
    }),
  ]);
  expect(await open.countTimeless()).toBe(1);
});

test('rows between two places are those after one and up to the other', async () => {
  const [first, third] = [
    watermarkFrom({ createdAt: '2025-11-18T10:00:00Z', orderId: 1 }),
    watermarkFrom({ createdAt: '2025-11-19T23:59:59.999999Z', orderId: 3 }),
  ];
  expect(await open.countBetween(first, third)).toBe(2);
  expect(await open.countBetween(third, third)).toBe(0);
});

test('the signal breaks off what waits', async () => {
  const stop = new AbortController();
  const stopped = await rows.open({ signal: stop.signal });
  const locker = await pipeline.pool.connect();
  try {
    await locker.query(`BEGIN; LOCK TABLE ${ORDERS_TABLE} IN ACCESS EXCLUSIVE MODE`);
    const begun = performance.now();
    const sums = expect(stopped.sums(DAYS, 'day')).rejects.toThrow('PostgreSQL');
    await sleep(200);
    stop.abort();
    await sums;
    // A lock is waited for 3 s.
    expect(performance.now() - begun).toBeLessThan(2_000);
    await expect(stopped.countTimeless()).rejects.toThrow();
  } finally {
    await locker.query('ROLLBACK');
    locker.release();
  }
  expect(await open.countTimeless()).toBe(1);
});
