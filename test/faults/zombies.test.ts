/**
 * An attempt that is frozen in the middle of its work wakes up after others have done the same work and more: what a
 * long garbage collection, a paused virtual machine or a partition of the network looks like.
 */
import type { Queue } from '../../domain/names';
import { insertOrders } from '../../dev/orders/insert-orders';
import { KAFKA } from '../helpers/kafka-frames';
import { ORDERS_TABLE } from '../helpers/pipeline';
import type { Point } from '../helpers/proxy';
import { secondsToCatchUp } from '../../dev/torture/recovery';
import { expectExactlyOnce } from '../helpers/exactly-once';
import { signal, type Harness } from './harness';
import { sideBySide } from './side-by-side';

/**
 * A frozen process holds what it worked at, and with each of its three polls one task more, for 10 s each: 40 s at most
 * (29.8 s seen for a batch). With ten polls of a kind it took longer than this in nearly every run.
 */
const TAKEN_OVER_MS = 45_000;

/**
 * Freezes the process of a queue at the point, with its request in the network; lets another group do that batch and
 * two more; then lets the request through and the process wake up, and does one more batch.
 */
async function outlive(harness: Harness, queue: Queue, point: Point): Promise<void> {
  const { pipeline, proxies } = harness;
  const before = await orders(harness);
  const sleeper = harness.workers;
  const frozen = proxies.kafka.at(point, () => signal(sleeper, queue, 'SIGSTOP'));
  await insertOrders(pipeline.pool, 300);
  const held = await frozen;
  await harness.moreWorkers();
  for (let batch = 0; batch < 2; batch++) {
    await secondsToCatchUp(pipeline, TAKEN_OVER_MS);
    await insertOrders(pipeline.pool, 300);
  }
  await secondsToCatchUp(pipeline, TAKEN_OVER_MS);
  held.release();
  signal(sleeper, queue, 'SIGCONT');
  await insertOrders(pipeline.pool, 300);
  expect(await expectExactlyOnce(pipeline)).toBe(before + 1_200);
}

async function orders({ pipeline }: Harness): Promise<number> {
  const { rows } = await pipeline.pool.query<{ n: number }>(`SELECT count(*)::int AS n FROM ${ORDERS_TABLE}`);
  return rows[0]!.n;
}

sideBySide([
  {
    'a publisher that wakes up with its rows unsent': (harness) =>
      outlive(harness, 'capture', { apiKey: KAFKA.produce, when: 'before' }),
  },
  {
    'a publisher that wakes up with its commit unsent': (harness) =>
      outlive(harness, 'capture', { apiKey: KAFKA.endTxn, when: 'before' }),
  },
  {
    'a landing that wakes up in the middle of its batch': (harness) =>
      outlive(harness, 'land', { apiKey: KAFKA.fetch, when: 'after', minBytes: 2_000 }),
    'two groups of workers at once': async (harness) => {
      await harness.moreWorkers();
      const before = await orders(harness);
      for (let batch = 0; batch < 20; batch++) await insertOrders(harness.pipeline.pool, 50);
      expect(await expectExactlyOnce(harness.pipeline)).toBe(before + 1_000);
    },
  },
]);
