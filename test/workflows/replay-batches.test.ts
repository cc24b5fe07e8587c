/**
 * Batches that cannot be landed fail and land later, and landed ones are reprocessed after a change of rules: on
 * real Kafka, real Temporal and a real lake. Only the rules are ours to break here.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Client, WorkflowHandle } from '@temporalio/client';
import { createLandActivities } from '../../activities/landing';
import type { OrdersLake, OrdersTopic } from '../../ports';
import { createOrdersTopic, topicOptions } from '../../adapters/kafka';
import { createOrdersLake } from '../../adapters/lake/writing';
import { queryLake } from '../../adapters/lake/reading/reader';
import { REPLAY, WORKFLOWS } from '../../domain/names';
import * as rules from '../../domain/table/rules';
import type { FailureCode, Row, Table } from '../../domain/table/table';
import type { LandStatus, ReplayStatus } from '../../domain/status';
import { checkFiles, readLedger } from '../../dev/oracle';
import { saveHistories } from '../replay/save';
import { eventually, freshNamespace, freshPipeline, servers, type FreshPipeline } from '../helpers/pipeline';
import { orderOf } from '../helpers/orders';
import { withWorker } from '../helpers/worker';
import { SILENT } from '../helpers/telemetry';
import { publishWindow } from './publish-window';
import { storageAt } from '../helpers/lake';

jest.mock('../../domain/table/rules', () => {
  const actual = jest.requireActual<typeof rules>('../../domain/table/rules');
  return { ...actual, brokenRules: jest.fn(actual.brokenRules) };
});
const brokenRules = jest.mocked(rules.brokenRules);
const trueRules = jest.requireActual<typeof rules>('../../domain/table/rules').brokenRules;

let pipeline: FreshPipeline;
let client: Client;
let close: () => Promise<void>;
let topic: OrdersTopic;
let lake: OrdersLake;
let landing: WorkflowHandle;
let replays = 0;
let recorded = 0;

beforeEach(async () => {
  pipeline = await freshPipeline();
  ({ client, close } = await freshNamespace(pipeline.name));
  topic = createOrdersTopic(topicOptions(pipeline.settings.kafka, SILENT));
  await topic.ensure();
  lake = createOrdersLake({ path: pipeline.lakePath, compression: 'snappy' }, SILENT);
  published = 0;
});
afterEach(async () => {
  const label = process.env['ORDERS_RECORD_HISTORIES']; // see test/replay/record.ts
  if (label !== undefined) await saveHistories(client, servers(), `${label}-replay-${++recorded}`);
  brokenRules.mockImplementation(trueRules);
  await topic.close();
  await close();
  await pipeline.dispose();
});

let published: number;

const publish = (orders: { id: number; item?: string }[]) => publishWindow(topic, ++published, orders);

const upTo = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => ({ id: from + i }));

async function withLanding(work: () => Promise<void>): Promise<void> {
  const activities = createLandActivities({
    pipelineName: () => Promise.resolve(undefined),
    topic,
    lake,
    settings: pipeline.settings,
    stopping: new AbortController().signal,
  });
  const { id: workflowId, taskQueue } = WORKFLOWS.landOrders;
  await withWorker({ namespace: pipeline.name, taskQueue, activities }, async () => {
    landing = await client.workflow.start('landOrders', { workflowId, taskQueue });
    await work();
  });
}

const status = () => landing.query<LandStatus>('status');

/** Waits until everything published so far was read or failed, as a batch of its own. */
async function landed(): Promise<LandStatus> {
  return eventually(async () => {
    const now = await status();
    const { stable } = await topic.offsets();
    expect(now.nextOffsets).toEqual(stable);
    expect(now.phase).toMatch(/claiming|paused/);
    return now;
  }, 20_000);
}

async function replay(input: object): Promise<ReplayStatus> {
  const workflowId = `${REPLAY.idPrefix}${++replays}`;
  return client.workflow.execute(REPLAY.type, {
    workflowId,
    taskQueue: REPLAY.taskQueue,
    args: [input],
  }) as Promise<ReplayStatus>;
}

async function ids(quarantine = false): Promise<number[]> {
  const rows = await queryLake(
    storageAt(pipeline.lakePath),
    'SELECT order_id::INTEGER FROM files ORDER BY 1',
    {
      quarantine,
    },
  );
  return rows.map(([id]) => Number(id));
}

const range = (from: number, to: number) => upTo(from, to).map(({ id }) => id);

/** Every file as the last entry that lists it says, and no other. */
async function expectFilesAsRecorded(): Promise<void> {
  expect(await checkFiles(pipeline.lakePath, readLedger(pipeline.lakePath))).toEqual([]);
}

function throwing(table: Pick<Table, 'rules'>, row: Row): FailureCode[] {
  if (orderOf(row).item === 'poison') throw new TypeError('the rule for poison has a bug');
  return trueRules(table, row);
}

function refusingSoup(table: Pick<Table, 'rules'>, row: Row): FailureCode[] {
  return orderOf(row).item === 'Soup' ? ['item_empty'] : trueRules(table, row);
}

test('a batch that cannot be landed fails, the loop goes on, and a replay lands it once', async () => {
  brokenRules.mockImplementation(throwing);
  await withLanding(async () => {
    await publish(upTo(1, 20));
    await landed();
    await publish([...upTo(61, 69), { id: 70, item: 'poison' }]);
    const { unlanded, parked, sequence } = await landed();
    expect(unlanded).toEqual([sequence]);
    expect(parked).toMatchObject([
      {
        sequence,
        error: expect.stringContaining(
          'validating the message failed: TypeError: the rule for poison has a bug',
        ) as string,
      },
    ]);
    // Later ones land, one of the failed batch’s orders among them: it was published again.
    await publish([...upTo(31, 40), { id: 65 }]);
    await landed();
    expect(await ids()).toEqual([...range(1, 20), ...range(31, 40), 65]);

    expect(await replay({ batches: 'failed' })).toMatchObject({
      batches: 1,
      failed: 1,
      results: [{ batch: sequence, error: expect.stringContaining('poison') as string }],
    });
    expect((await status()).unlanded).toEqual([sequence]);

    brokenRules.mockImplementation(trueRules);
    expect(await replay({ batches: 'failed', dryRun: true })).toMatchObject({
      after: { landed: 9, duplicate: 1 },
    });
    expect((await status()).unlanded).toEqual([sequence]);
    expect(await replay({ batches: 'failed', reason: 'mended' })).toMatchObject({
      phase: 'done',
      batches: 1,
      replayed: 1,
      failed: 0,
      before: { landed: 0, quarantined: 0 },
      after: { landed: 9, quarantined: 0, duplicate: 1 },
    });
    expect(await ids()).toEqual([...range(1, 20), ...range(31, 40), ...range(61, 70)]);
    expect(await status()).toMatchObject({ unlanded: [], parked: [], rows: { landed: 40, duplicate: 1 } });
    expect(await replay({ batches: 'failed' })).toMatchObject({ batches: 0 });
    // What was replayed is known from then on: also when it is published again, and by the next landing.
    await publish(upTo(61, 70));
    await landed();
    await landing.terminate();
    const { id: workflowId, taskQueue } = WORKFLOWS.landOrders;
    landing = await client.workflow.start('landOrders', { workflowId, taskQueue });
    await publish([...upTo(61, 70), ...upTo(41, 45)]);
    await landed();
    expect(await ids()).toEqual([...range(1, 20), ...range(31, 45), ...range(61, 70)]);
    await expectFilesAsRecorded();
  });
});

test('after a change of rules committed batches are landed again; a reader sees the old rows or the new ones', async () => {
  await withLanding(async () => {
    for (let batch = 0; batch < 3; batch++) {
      await publish([...upTo(batch * 10 + 1, batch * 10 + 9), { id: batch * 10 + 10, item: 'Bread' }]);
      await landed();
    }
    const last = (await status()).sequence;
    expect(await ids()).toEqual(range(1, 30));

    brokenRules.mockImplementation(refusingSoup);
    const done = replay({ batches: { from: 1, to: last } });
    const seen = new Set<number>();
    const stop = new AbortController();
    const reading = (async () => {
      while (!stop.signal.aborted) {
        // A file that was replaced between the listing and the reading: the reader tries again, as any would.
        const found = await ids().catch(() => undefined);
        if (found === undefined) continue;
        expect(new Set(found).size).toBe(found.length);
        seen.add(found.length);
      }
    })();
    const result = await done;
    stop.abort();
    await reading;
    expect(result).toMatchObject({
      failed: 0,
      before: { landed: 30 },
      after: { landed: 3, quarantined: 27 },
    });
    expect([...seen].every((rows) => [30, 21, 12, 3].includes(rows))).toBe(true);
    expect(await ids()).toEqual([10, 20, 30]);
    expect((await ids(true)).length).toBe(27);
    await expectFilesAsRecorded();

    brokenRules.mockImplementation(trueRules);
    const { parked, rows } = await status();
    expect({ parked, rows }).toMatchObject({ parked: [], rows: { landed: 3, quarantined: 27 } });
    expect(await replay({ dates: { from: '2025-11-18', to: '2025-11-18' } })).toMatchObject({
      after: { landed: 30, quarantined: 0 },
    });
    expect(await ids()).toEqual(range(1, 30));
    expect(await ids(true)).toEqual([]);
    expect(
      readdirSync(join(pipeline.lakePath, 'date=2025-11-18')).every((name) => !name.startsWith('.')),
    ).toBe(true);
    await expectFilesAsRecorded();
  });
});

test('what cannot be replayed says why, and changes nothing', async () => {
  await withLanding(async () => {
    await publish(upTo(1, 5));
    await landed();
    expect(await replay({ batches: [77] })).toMatchObject({
      failed: 1,
      results: [{ batch: 77, error: expect.stringContaining('the ledger has no such batch') as string }],
    });
    await expect(replay({ batches: 'all' })).rejects.toMatchObject({
      cause: {
        cause: {
          type: 'InvalidSettings',
          message: expect.stringContaining('does not say which batches') as string,
        },
      },
    });
    const { sequence } = await status();
    await landing.terminate();
    await expect(replay({ batches: [sequence] })).rejects.toMatchObject({
      cause: { type: 'LandingNotRunning' },
    });
    expect(await ids()).toEqual(range(1, 5));
  });
});

test('a replay is processed while landing is paused, and can be cancelled between batches', async () => {
  await withLanding(async () => {
    for (let batch = 0; batch < 3; batch++) {
      await publish(upTo(batch * 10 + 1, batch * 10 + 10));
      await landed();
    }
    await landing.signal('pause', { reason: 'repairs' });
    const workflowId = `${REPLAY.idPrefix}${++replays}`;
    const { sequence } = await eventually(async () => {
      const now = await status();
      expect(now.phase).toBe('paused');
      return now;
    });
    const handle = await client.workflow.start(REPLAY.type, {
      workflowId,
      taskQueue: REPLAY.taskQueue,
      args: [{ batches: { from: 1, to: sequence } }],
    });
    await eventually(async () =>
      expect((await handle.query<ReplayStatus>('status')).replayed).toBeGreaterThan(0),
    );
    await handle.cancel();
    await handle.result().catch(() => undefined);
    expect(await ids()).toEqual(range(1, 30));
    await landing.signal('resume');
    await publish(upTo(31, 35));
    await landed();
    expect(await ids()).toEqual(range(1, 35));
    await expectFilesAsRecorded();
  });
});
