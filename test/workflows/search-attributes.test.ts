/** Workflows can be found by what they are doing, where the namespace knows the attributes; elsewhere they run without. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ApplicationFailure } from '@temporalio/common';
import type { Client } from '@temporalio/client';
import type { CaptureActivities } from '../../activities/capture';
import type { PollResult } from '../../activities/capture/poll';
import type { BatchManifest } from '../../ports';
import type { LandActivities } from '../../activities/landing';
import { namingPipeline } from '../../activities/name-pipeline';
import { registerSearchAttributes } from '../../adapters/temporal/search-attributes';
import { formatTimestamp, watermarkFrom } from '../../domain/watermark';
import type { LandStatus } from '../../domain/status';
import { pipelineName } from '../../workers/pipeline-name';
import { eventually, freshNamespace } from '../helpers/pipeline';
import { withWorker } from '../helpers/worker';
import { openedAt } from './opened-landing';

const known = `found-${process.pid}`;
const unknown = `not-found-${process.pid}`;
const spaces: Record<string, { client: Client; close: () => Promise<void> }> = {};

beforeAll(async () => {
  spaces[known] = await freshNamespace(known, { searchAttributes: true });
  spaces[unknown] = await freshNamespace(unknown);
});
afterAll(() => Promise.all(Object.values(spaces).map(({ close }) => close())));

const connectionOf = (namespace: string) => {
  const { connection } = spaces[namespace]!.client;
  return connection as Required<typeof connection>;
};

let caughtUp = false;
let batches = 0;

/** Capture that is an hour behind, until it has caught up. */
function capturing(namespace: string): CaptureActivities {
  const named = namingPipeline(pipelineName(connectionOf(namespace), namespace, 'food_orders'));
  const hourAgo = () => formatTimestamp(BigInt(Date.now() - 3_600_000) * 1000n);
  return {
    openCapture: named(() =>
      Promise.resolve({
        sequence: 0,
        watermark: watermarkFrom({ createdAt: '2025-11-18T00:00:00Z' }),
        startedFrom: 'default_start_timestamp' as const,
        warnings: [],
      }),
    ),
    poll: named(async ({ after }): Promise<PollResult> => {
      await sleep(caughtUp ? 1_000 : 20);
      const clock = formatTimestamp(BigInt(Date.now()) * 1000n);
      if (caughtUp) return { rows: 0, more: false, clock, heldBy: null };
      const upper = { createdAt: hourAgo(), orderId: String(++batches) };
      return { window: { lower: after, upper }, rows: 10, more: true, clock, heldBy: null };
    }),
    publish: () => Promise.resolve({ rows: 10 }),
    advanceWatermark: ({ sequence }) => Promise.resolve({ sequence }),
    renewProgress: ({ sequence }) => Promise.resolve({ sequence }),
  };
}

/** Landing of two batches of orders from two hours ago, the second of which cannot be landed while a third waits. */
function landing(namespace: string): LandActivities {
  const named = namingPipeline(pipelineName(connectionOf(namespace), namespace, 'food_orders'));
  const manifest: BatchManifest = {
    files: [],
    quarantineFiles: [],
    counts: { read: 10, landed: 10, duplicate: 0, quarantined: 0, failures: {} },
    newestCreatedAt: formatTimestamp(BigInt(Date.now() - 7_200_000) * 1000n),
    highWater: {},
  };
  const offsets = { 0: '0' };
  return {
    openLanding: named(() => Promise.resolve(openedAt(offsets))),
    claimMicroBatch: named(async ({ next }) => {
      const from = Number(next['0']);
      await sleep(from >= 20 ? 1_000 : 20);
      const ranges = from >= 20 ? [] : [{ partition: 0, from: String(from), to: String(from + 10) }];
      return { ranges, lagOffsets: 30 - from };
    }),
    landMicroBatch: ({ sequence }) =>
      sequence === 1
        ? Promise.resolve(manifest)
        : Promise.reject(ApplicationFailure.nonRetryable('a poison message', 'BatchNotLandable')),
    commitMicroBatch: ({ sequence }) => Promise.resolve({ sequence }),
    resolveOffsets: () => Promise.resolve({ problem: 'no such offsets' }),
    landAgain: () => Promise.reject(new Error('nobody asked for it')),
    selectBatches: () => Promise.resolve({ batches: [] }),
  };
}

async function found(namespace: string, query: string): Promise<string[]> {
  const ids: string[] = [];
  // Runs that were continued as new keep the values that they ended with.
  const running = { query: `${query} AND ExecutionStatus = "Running"` };
  for await (const { workflowId } of spaces[namespace]!.client.workflow.list(running)) ids.push(workflowId);
  return ids;
}

/** In all runs of a workflow. */
async function upserts(namespace: string, workflowId: string): Promise<number> {
  const { workflow } = spaces[namespace]!.client;
  let number = 0;
  for await (const { runId } of workflow.list({ query: `WorkflowId = "${workflowId}"` })) {
    const { events } = await workflow.getHandle(workflowId, runId).fetchHistory();
    number += (events ?? []).filter(
      (event) => event.upsertWorkflowSearchAttributesEventAttributes != null,
    ).length;
  }
  return number;
}

test('a capture that is behind is found by its lag until it has caught up, without an event per batch', async () => {
  const { client } = spaces[known]!;
  const activities = capturing(known);
  await withWorker({ namespace: known, taskQueue: 'capture', activities }, async () => {
    const handle = await client.workflow.start('captureOrders', { workflowId: 'c', taskQueue: 'capture' });
    await eventually(async () =>
      expect(await found(known, 'OrdersPipeline = "food_orders" AND OrdersLagSeconds > 3000')).toEqual(['c']),
    );
    caughtUp = true;

    await eventually(async () => expect(await found(known, 'OrdersLagSeconds > 0')).toEqual([]));
    await handle.terminate();
    expect(batches).toBeGreaterThan(12);
    expect(await upserts(known, 'c')).toBeLessThanOrEqual(4);
  });
});

test('a landing is found by its lag, its last batch and its failed batches', async () => {
  const { client } = spaces[known]!;
  await withWorker({ namespace: known, taskQueue: 'land', activities: landing(known) }, async () => {
    const handle = await client.workflow.start('landOrders', { workflowId: 'l', taskQueue: 'land' });
    await eventually(async () =>
      expect(await found(known, 'OrdersLastBatch = "parked" AND OrdersParkedBatches > 0')).toEqual(['l']),
    );
    await eventually(async () =>
      expect(await found(known, 'OrdersLagSeconds > 7000 AND OrdersLagSeconds < 7400')).toEqual(['l']),
    );
    await handle.terminate();
  });
});

test('a namespace that does not know the attributes breaks nothing; registered later, they appear', async () => {
  const { client } = spaces[unknown]!;
  let registered = false;
  const activities = landing(unknown);
  const name = () => Promise.resolve(registered ? 'food_orders' : undefined);
  const late: LandActivities = {
    ...activities,
    claimMicroBatch: namingPipeline(name)(activities.claimMicroBatch),
  };
  await withWorker({ namespace: unknown, taskQueue: 'land', activities: late }, async () => {
    const handle = await client.workflow.start('landOrders', { workflowId: 'l', taskQueue: 'land' });
    await eventually(async () => expect((await handle.query<LandStatus>('status')).sequence).toBe(2));
    expect(await upserts(unknown, 'l')).toBe(0);
    expect(await registerSearchAttributes(connectionOf(unknown), unknown)).toHaveLength(4);
    expect(await registerSearchAttributes(connectionOf(unknown), unknown)).toEqual([]);
    registered = true;
    await eventually(async () => expect(await found(unknown, 'OrdersParkedBatches = 1')).toEqual(['l']));
    await handle.terminate();
  });
});
