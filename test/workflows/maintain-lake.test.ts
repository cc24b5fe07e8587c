/** Merging beside a landing: on real Kafka, real Temporal and a real lake. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { WithStartWorkflowOperation, type Client, type WorkflowHandle } from '@temporalio/client';
import { createLandActivities } from '../../activities/landing';
import { createMaintenanceActivities } from '../../activities/maintenance';
import type { OrdersLake, OrdersTopic } from '../../ports';
import { createOrdersTopic, topicOptions } from '../../adapters/kafka';
import { createOrdersLake } from '../../adapters/lake/writing';
import { queryLake } from '../../adapters/lake/reading/reader';
import type { MaintainStatus } from '../../domain/maintenance';
import { MAINTAIN, REPLAY, WORKFLOWS } from '../../domain/names';
import type { LandStatus, ReplayStatus } from '../../domain/status';
import { auditLake } from '../../reconcile/audit';
import { eventually, freshNamespace, freshPipeline, type FreshPipeline } from '../helpers/pipeline';
import { withWorker } from '../helpers/worker';
import { SILENT } from '../helpers/telemetry';
import { publishWindow } from './publish-window';
import { storageAt } from '../helpers/lake';

let pipeline: FreshPipeline;
let client: Client;
let close: () => Promise<void>;
let topic: OrdersTopic;
let lake: OrdersLake;
let landing: WorkflowHandle;
let published = 0;

beforeAll(async () => {
  pipeline = await freshPipeline();
  ({ client, close } = await freshNamespace(pipeline.name));
  topic = createOrdersTopic(topicOptions(pipeline.settings.kafka, SILENT));
  await topic.ensure();
  lake = createOrdersLake({ path: pipeline.lakePath, compression: 'snappy' }, SILENT);
});
afterAll(async () => {
  await topic.close();
  await close();
  await pipeline.dispose();
});

const rows = async (): Promise<number[]> =>
  (await queryLake(storageAt(pipeline.lakePath), 'SELECT order_id::INTEGER FROM files ORDER BY 1')).map(
    ([id]) => Number(id),
  );

const files = () =>
  readdirSync(pipeline.lakePath, { recursive: true })
    .map(String)
    .filter((name) => /^date=[^/]*\//.test(name));

/** Publishes orders, and waits until they have landed. */
async function land(ids: number[]): Promise<void> {
  const { sequence } = await landing.query<LandStatus>('status');
  await publishWindow(
    topic,
    ++published,
    ids.map((id) => ({ id })),
  );
  await eventually(async () =>
    expect((await landing.query<LandStatus>('status')).sequence).toBeGreaterThan(sequence),
  );
}

/** Asks a maintainer to merge all there is, and waits until it has. */
async function compact(workflowId: string): Promise<MaintainStatus> {
  const start = new WithStartWorkflowOperation('maintainLake', {
    ...{ workflowId, taskQueue: MAINTAIN.taskQueue, args: [] },
    workflowIdConflictPolicy: 'USE_EXISTING',
  });
  await client.workflow.executeUpdateWithStart('compact', { args: [{}], startWorkflowOperation: start });
  const handle = client.workflow.getHandle(workflowId);
  return eventually(async () => {
    const status = await handle.query<MaintainStatus>('status');
    expect(status.asked).toBeNull();
    return status;
  }, 60_000);
}

test('files become one, by two maintainers and beside a landing; each order stays once, in replays and when it comes again', async () => {
  const stopping = new AbortController();
  const deps = { lake, settings: pipeline.settings, stopping: stopping.signal };
  const activities = {
    ...createLandActivities({ ...deps, topic, pipelineName: () => Promise.resolve(undefined) }),
    ...createMaintenanceActivities(deps),
  };
  const { id: workflowId, taskQueue } = WORKFLOWS.landOrders;
  const ids = Array.from({ length: 12 }, (_, at) => at + 1);
  await withWorker({ namespace: pipeline.name, taskQueue, activities }, async () => {
    landing = await client.workflow.start('landOrders', { workflowId, taskQueue });
    for (const id of ids.slice(0, 6)) await land([id]);
    expect(files()).toHaveLength(6);

    const status = await compact(MAINTAIN.id);
    expect(status).toMatchObject({ merges: 1, files: { before: 6, after: 1 }, problem: null });
    expect(files()).toEqual([
      expect.stringMatching(/^date=2025-11-18\/part-0000000006-[0-9a-f]{12}\.parquet$/),
    ]);
    expect(await rows()).toEqual(ids.slice(0, 6));

    // Again, in other batches: what stands in the merged file is a repeat.
    await land([1, 2, 3, 7]);
    expect(await rows()).toEqual(ids.slice(0, 7));

    // A batch within it.
    const replay: unknown = await client.workflow.execute(REPLAY.type, {
      ...{ workflowId: `${REPLAY.idPrefix}1`, taskQueue: REPLAY.taskQueue },
      args: [{ batches: [3] }],
    });
    expect(replay).toMatchObject({ replayed: 1, failed: 0 } satisfies Partial<ReplayStatus>);
    expect(await rows()).toEqual(ids.slice(0, 7));

    for (const id of ids.slice(7)) await land([id]);
    const [one, other] = await Promise.all([compact(MAINTAIN.id), compact(`${MAINTAIN.id}-2`)]);
    expect(one.merges + other.merges).toBe(2);
    expect(files()).toHaveLength(1);
    expect(await rows()).toEqual(ids);

    await client.workflow.getHandle(workflowId).terminate();
    for (const id of [MAINTAIN.id, `${MAINTAIN.id}-2`]) await client.workflow.getHandle(id).terminate();
    stopping.abort();
  });
  const audit = await auditLake(storageAt(pipeline.lakePath));
  expect(audit.problems).toEqual([]);
  expect(readdirSync(join(pipeline.lakePath, 'date=2025-11-18'))).toHaveLength(1);
}, 120_000);
