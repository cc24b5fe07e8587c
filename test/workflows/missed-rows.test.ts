/** Rows that capture cannot see are told by `status`, from a real table, through resets and continue-as-new. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { CaptureActivities } from '../../activities/capture';
import { createPoll } from '../../activities/capture/poll';
import type { OrdersSource } from '../../ports';
import { createOrdersSource } from '../../adapters/postgres';
import { describeCapture } from '../../domain/describe-status';
import type { CaptureStatus } from '../../domain/status';
import { watermarkFrom } from '../../domain/watermark';
import {
  ORDERS_TABLE,
  eventually,
  freshNamespace,
  freshPipeline,
  type FreshPipeline,
} from '../helpers/pipeline';
import { withWorker } from '../helpers/worker';
import { SILENT } from '../helpers/telemetry';

const namespace = `missed-${process.pid}`;
const never = new AbortController().signal;
let client: Client;
let close: () => Promise<void>;
let pipeline: FreshPipeline;
let source: OrdersSource;

beforeAll(async () => {
  ({ client, close } = await freshNamespace(namespace));
  pipeline = await freshPipeline();
  source = createOrdersSource(pipeline.settings, SILENT);
});
afterAll(async () => {
  await source.close();
  await pipeline.dispose();
  await close();
});

/** Capture of the real table, into a list instead of a topic. */
function activitiesInto(captured: string[]): CaptureActivities {
  return {
    async openCapture() {
      const { warnings } = await source.check();
      const watermark = watermarkFrom({ createdAt: '1970-01-01T00:00:00Z' });
      return { sequence: 0, watermark, startedFrom: 'default_start_timestamp', warnings };
    },
    poll: createPoll({ source, batchLimit: 100, intervalMs: 20, stopping: never, detectEveryMs: 100 }),
    async publish({ lower, upper }) {
      let rows = 0;
      for await (const chunk of source.read({ lower, upper }, { signal: never })) {
        captured.push(...chunk.map(({ key }) => String(key)));
        rows += chunk.length;
      }
      return { rows };
    },
    advanceWatermark: ({ sequence }) => Promise.resolve({ sequence }),
    renewProgress: ({ sequence }) => Promise.resolve({ sequence }),
  };
}

const insert = async (createdAt: string, rows = 1): Promise<string[]> => {
  const inserted = await pipeline.pool.query<{ id: string }>(
    `INSERT INTO ${ORDERS_TABLE} (customer_name, restaurant_name, item, amount, order_status, created_at)
     SELECT 'a', 'b', 'c', 1, 'PLACED', ${createdAt} FROM generate_series(1, ${rows}) RETURNING order_id::text AS id`,
  );
  return inserted.rows.map(({ id }) => id);
};

test('missed rows are counted, survive continue-as-new, and come with a reset', async () => {
  const captured: string[] = [];
  await withWorker({ namespace, taskQueue: 'missed', activities: activitiesInto(captured) }, async () => {
    await insert('now()', 250);
    await client.workflow.start('captureOrders', { workflowId: 'missed', taskQueue: 'missed' });
    const handle = client.workflow.getHandle('missed');
    const status = () => handle.query<CaptureStatus>('status');
    const untilCaptured = (rows: number) => eventually(() => expect(captured).toHaveLength(rows));
    await untilCaptured(250);

    // Open for longer than several looks, with a created_at before rows that come meanwhile: waited for, never counted.
    const early = await pipeline.pool.connect();
    await early.query(`BEGIN; INSERT INTO ${ORDERS_TABLE} (amount) SELECT 1 FROM generate_series(1, 10)`);
    for (let burst = 0; burst < 5; burst++) {
      await insert('now()', 10);
      await sleep(150);
    }
    await early.query('COMMIT');
    early.release();
    await untilCaptured(310);
    expect(await status()).not.toHaveProperty('missed');

    const past = await insert(`'2020-01-01 00:00:00'`, 3);
    const found = await eventually(async () => {
      const { missed } = await status();
      expect(missed).toMatchObject({ backdated: 3 });
      return missed!;
    });
    expect(found).toMatchObject({ examples: past, from: '2020-01-01T00:00:00.000000Z' });
    await insert('NULL', 2);
    await insert(`(SELECT max(created_at) - interval '1 ms' FROM ${ORDERS_TABLE})`);
    for (let burst = 0; burst < 15; burst++) {
      await insert('now()');
      await untilCaptured(311 + burst);
    }
    const before = await eventually(async () => {
      const now = await status();
      expect(now.missed).toMatchObject({ backdated: 4, since: found.since });
      expect(now.unreachable).toMatchObject([{ kind: 'without created_at', rows: 2 }]);
      return now;
    });
    expect(before.runs).toBeGreaterThan(1);
    expect(describeCapture(before).trouble[0]).toMatch(
      /^4 rows not captured, such as order_id 31\d.*resetWatermark --input '\{"createdAt":"2020-01-01T00:00:00\.000000Z"\}'/,
    );
    expect(describeCapture(before).trouble[1]).toMatch(/^2 rows without a created_at/);

    captured.length = 0;
    await handle.signal('resetWatermark', { createdAt: found.from });
    await untilCaptured(310 + 15 + 4);
    await sleep(500);
    expect(await status()).not.toHaveProperty('missed');

    // And from the reset on, as before.
    await insert(`'2019-01-01'`);
    await eventually(async () =>
      expect((await status()).missed).toMatchObject({ backdated: 1, from: '2019-01-01T00:00:00.000000Z' }),
    );
    // A reset to a later place does not bring it, so it stays told.
    await handle.signal('resetWatermark', { createdAt: '2021-01-01T00:00:00Z' });
    await eventually(async () => expect((await status()).resets).toHaveLength(2));
    expect((await status()).missed).toMatchObject({ backdated: 1, examples: [expect.any(String)] });
    await handle.terminate();
  });
});
