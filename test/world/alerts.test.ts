/** Each alert of ops/alerts.yml is made to fire, on a running pipeline, by a real Prometheus that scrapes its workers. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { VERIFY, WORKFLOWS } from '../../domain/names';
import type { CaptureStatus } from '../../domain/status';
import { PAGES } from '../../dev/observe/pages';
import { insertOrders } from '../../dev/orders/insert-orders';
import { secondsToCatchUp } from '../../dev/torture/recovery';
import { sideBySide, type Lane } from '../faults/side-by-side';
import { pause } from '../faults/unlanded';
import type { Harness } from '../faults/harness';
import { LARGE_BATCH, openDisk, type Disk } from '../helpers/disk';
import { eventually, ORDERS_TABLE } from '../helpers/pipeline';
import { endpointsOf, promtool } from '../helpers/prometheus';
import { deleteMessages, newestFile } from './lake-operator';
import { startOtherVersion } from './other-version';
import { spoilNewestBatches } from './spoiled-log';
import { endWatching, fires, TIMES, watch } from './watched';

// Workers of the harness inherit it: free ports.
process.env['METRICS_LISTEN'] = '127.0.0.1:0';

afterAll(endWatching);

const landing = ({ client }: Harness) => client.workflow.getHandle(WORKFLOWS.landOrders.id);

const insert = ({ pipeline }: Harness, values: { amount?: number; createdAt?: string; rows: number }) =>
  pipeline.pool.query(
    `INSERT INTO ${ORDERS_TABLE} (customer_name, restaurant_name, item, amount, order_status, created_at)
     SELECT 'Alice', 'Spice Garden', 'Dosa', $1::numeric, 'PLACED', coalesce($2::timestamp, now() AT TIME ZONE 'UTC') FROM generate_series(1, $3)`,
    [values.amount ?? 12.5, values.createdAt ?? null, values.rows],
  );

/** Some that stand in the topic, and in the lake when landing is resumed. */
async function publishWhilePaused(harness: Harness): Promise<void> {
  const { client, pipeline } = harness;
  const capture = client.workflow.getHandle(WORKFLOWS.captureOrders.id);
  await pause(landing(harness));
  await insert(harness, { rows: 20 });
  // The highest id is the newest: what was published before may not be counted yet.
  const { rows } = await pipeline.pool.query<{ id: string }>(
    `SELECT max(order_id)::text AS id FROM ${ORDERS_TABLE}`,
  );
  await eventually(async () =>
    expect((await capture.query<CaptureStatus>('status')).watermark?.orderId).toBe(rows[0]!.id),
  );
}

/** One that has inserted an order; resolves with what commits it. */
async function openTransaction({ pipeline }: Harness): Promise<() => Promise<void>> {
  const session = await pipeline.pool.connect();
  await session.query('BEGIN');
  await session.query(`INSERT INTO ${ORDERS_TABLE} (customer_name, restaurant_name, item, amount, order_status)
    VALUES ('Bob', 'r', 'i', 1, 'PLACED')`);
  return async () => {
    await session.query('COMMIT');
    session.release();
  };
}

/** Orders go on, so that there is something to compare with. */
const trickle = (harness: Harness) => async () => {
  await insert(harness, { rows: 5 });
  await sleep(300);
};

async function landedSome(harness: Harness): Promise<void> {
  await watch(harness);
  await insertOrders(harness.pipeline.pool, 40);
  await secondsToCatchUp(harness.pipeline);
  // A counter is seen once before it rises.
  await sleep(2_500);
}

const data: Lane = {
  ...(TIMES === 1
    ? {}
    : {
        async 'OrdersSmallFiles: many small batches'(harness: Harness) {
          await landedSome(harness);
          await fires(harness, ['OrdersSmallFiles'], trickle(harness), trickle(harness));
        },
      }),
  async 'OrdersQuarantine: many rows break a rule'(harness) {
    await landedSome(harness);
    const bad = () => insert(harness, { amount: -1, rows: 40 });
    await fires(harness, ['OrdersQuarantine'], bad, async () => {
      await bad();
      await sleep(500);
    });
  },
  async 'OrdersMissedRows: a row comes behind the watermark'(harness) {
    const behind = () => insert(harness, { createdAt: '2024-01-01 00:00:00', rows: 1 });
    await fires(harness, ['OrdersMissedRows'], behind, trickle(harness));
  },
  async 'OrdersVerifyFailed: source and lake differ'(harness) {
    const { client } = harness;
    await fires(harness, ['OrdersVerifyFailed'], () =>
      client.workflow.start(VERIFY.type, { workflowId: VERIFY.id, taskQueue: VERIFY.taskQueue }),
    );
  },
  async 'OrdersFilesDamaged: a file of the lake is gone'(harness) {
    const file = await newestFile(harness);
    await fires(harness, ['OrdersFilesDamaged'], () => rm(file), trickle(harness));
  },
  async 'OrdersBatchFailed: the broker’s disk has changed a batch'(harness) {
    await publishWhilePaused(harness);
    await fires(harness, ['OrdersBatchFailed'], async () => {
      await spoilNewestBatches(harness);
      await landing(harness).signal('resume');
    });
  },
  async 'every panel of the dashboards has data'(harness) {
    const prometheus = await watch(harness);
    const panels = PAGES.flatMap(({ rows }) => rows).flatMap((row) => row.panels);
    for (const { title, queries } of panels)
      for (const { expr } of queries) {
        const samples = await prometheus.query(expr.replaceAll('$__rate_interval', '2m'));
        const numbers = samples.filter(({ value }) => Number.isFinite(value));
        expect([title, expr, numbers.length > 0]).toEqual([title, expr, true]);
      }
  },
  async 'OrdersDataLoss: Kafka drops what has not landed'(harness) {
    await publishWhilePaused(harness);
    await fires(harness, ['OrdersDataLoss'], async () => {
      await deleteMessages(harness);
      await landing(harness).signal('resume');
    });
  },
};

let disk: Disk;
beforeAll(async () => {
  disk = await openDisk();
});
afterAll(() => disk?.dispose());

const servers: Lane = {
  async 'OrdersCaptureBlocked, OrdersCaptureBehind: a transaction stays open'(harness) {
    await landedSome(harness);
    let release: () => Promise<void> = () => Promise.resolve();
    try {
      await fires(harness, ['OrdersCaptureBlocked', 'OrdersCaptureBehind'], async () => {
        release = await openTransaction(harness);
      });
    } finally {
      await release();
    }
  },
  async 'OrdersFreshnessBurningFast, OrdersFreshnessBurningSlowly: its orders land late'(harness) {
    // Late by more than the 5 s of the objective, however fast the rules are.
    await fires(harness, ['OrdersFreshnessBurningFast', 'OrdersFreshnessBurningSlowly'], async () => {
      const release = await openTransaction(harness);
      await sleep(7_000);
      await release();
    });
  },
  async 'OrdersRetrying, OrdersLandingBehind: Kafka is away'(harness) {
    const { kafka } = harness.proxies;
    await fires(harness, ['OrdersRetrying', 'OrdersLandingBehind'], async () => {
      kafka.mode = 'refuse';
      kafka.cut();
      await insert(harness, { rows: 5 });
    });
    kafka.heal();
    await secondsToCatchUp(harness.pipeline);
  },
  async 'OrdersLakeErrors, OrdersDiskFull: the lake’s disk is full'(harness) {
    if (disk.gives.full !== 'ENOSPC') return console.warn('SKIPPED, no disk of its own can be had here');
    await fires(harness, ['OrdersLakeErrors', 'OrdersDiskFull'], async () => {
      await disk.set('full', true, 0);
      await insert(harness, { rows: LARGE_BATCH });
    });
    await disk.set('full', false, 0);
    await secondsToCatchUp(harness.pipeline);
  },
  async 'OrdersWorkersGone: they are killed'(harness) {
    await fires(harness, ['OrdersWorkersGone'], () => harness.workers.kill());
  },
};

const workflows: Lane = {
  ...(TIMES === 1
    ? {}
    : {
        async 'OrdersHistoryLarge: a run does not come to its end'(harness: Harness) {
          await landedSome(harness);
          await fires(harness, ['OrdersHistoryLarge'], () => Promise.resolve(), trickle(harness));
        },
      }),
  async 'OrdersPayloadTooLarge, OrdersNonDeterminism: a version that does not fit'(harness) {
    const { client, pipeline } = harness;
    const { id: workflowId, taskQueue } = WORKFLOWS.captureOrders;
    await harness.workers.kill();
    await client.workflow.getHandle(workflowId).terminate('test');
    const other = await startOtherVersion(pipeline);
    try {
      (await watch(harness)).scrape(other.endpoint);
      await fires(harness, ['OrdersPayloadTooLarge'], () =>
        client.workflow.start('tooLarge', { workflowId: 'too-large', taskQueue }),
      );
      await client.workflow.getHandle('too-large').terminate('test');
      // What it leaves is the history of a workflow that begins with a timer.
      await client.workflow.start('captureOrders', { workflowId, taskQueue });
      await eventually(async () => {
        const { raw } = await client.workflow.getHandle(workflowId).describe();
        expect(Number(raw.workflowExecutionInfo?.historyLength)).toBeGreaterThan(4);
      });
    } finally {
      await other.kill();
    }
    await fires(harness, ['OrdersNonDeterminism'], async () => {
      harness.workers = await harness.moreWorkers();
      (await watch(harness)).scrape(...endpointsOf(harness.workers));
      // It looks at a workflow when something has happened to it.
      await client.workflow.getHandle(workflowId).signal('pause');
    });
  },
};

test('promtool: the files are right, and each rule fires on what it is for, and else on nothing', async () => {
  expect(await promtool('check', 'config', 'prometheus.yml')).toContain('is valid prometheus config');
  expect(await promtool('check', 'rules', 'alerts.yml')).toMatch(/SUCCESS: \d\d rules found/);
  expect(await promtool('test', 'rules', 'alerts.test.yml')).toContain('SUCCESS');
});

// Read when the pipeline begins, when there is a disk.
const onDisk = {
  get datalake() {
    return { path: join(disk.path, 'lake') };
  },
};

sideBySide([data, { lane: servers, options: { overrides: onDisk } }, workflows], 300_000 + 3_600_000 / TIMES);
