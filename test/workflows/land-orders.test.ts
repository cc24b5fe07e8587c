import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { BatchManifest } from '../../ports';
import type { LandActivities } from '../../activities/landing';
import type { CommitInput } from '../../activities/landing/commit-micro-batch';
import type { OpenLandingInput } from '../../activities/landing/open-landing';
import type { LandInput } from '../../activities/landing/land-micro-batch';
import { NonRetryableError } from '../../domain/errors';
import type { LandStatus } from '../../domain/status';
import { eventually, freshNamespace } from '../helpers/pipeline';
import { withWorker } from '../helpers/worker';
import { openedAt } from './opened-landing';

const namespace = `land-${process.pid}`;
let client: Client;
let close: () => Promise<void>;

beforeAll(async () => ({ client, close } = await freshNamespace(namespace)));
afterAll(() => close());

/** The batch that takes a second. */
const SLOW = 30;

/** Activities over a topic of one partition that holds `batches` batches of ten messages. */
function scripted(batches: number) {
  const landed: LandInput[] = [];
  const committed: CommitInput[] = [];
  const activities: LandActivities = {
    openLanding: () => Promise.resolve(openedAt({ 0: '0' })),
    resolveOffsets: ({ offsets }) =>
      Promise.resolve(offsets === 'earliest' ? { offsets: { 0: '0' } } : { problem: 'no such offsets' }),
    async claimMicroBatch({ next }) {
      const from = Number(next['0']);
      if (from >= batches * 10) {
        await sleep(300);
        return { ranges: [], lagOffsets: 0 };
      }
      return {
        ranges: [{ partition: 0, from: String(from), to: String(from + 10) }],
        lagOffsets: batches * 10 - from,
      };
    },
    async landMicroBatch(input) {
      landed.push(input);
      const oldestMessage = Date.now();
      const first = { createdAt: new Date(oldestMessage - 200).toISOString(), orderId: '1' };
      if (input.sequence === SLOW) await sleep(1_000);
      const path = `date=2025-11-18/part-${input.sequence}.parquet`;
      const manifest: BatchManifest = {
        files: [{ path, rows: 8, bytes: 1, sha256: '00', first }],
        quarantineFiles: [],
        counts: { read: 10, landed: 8, duplicate: 1, quarantined: 1, failures: { item_empty: 1 } },
        newestCreatedAt: '2025-11-18T10:00:00.000000Z',
        highWater: { 0: { createdAt: '2025-11-18T10:00:00.000000Z', orderId: String(input.sequence) } },
      };
      return { ...manifest, oldestMessage };
    },
    landAgain: () => Promise.reject(new Error('nobody asked for it')),
    selectBatches: () => Promise.resolve({ batches: [] }),
    commitMicroBatch(input) {
      committed.push(input);
      return Promise.resolve({ sequence: input.sequence });
    },
  };
  return { activities, landed, committed };
}

test('batches follow each other without gap or overlap, and continuing as new carries offsets, counts and high water', async () => {
  const script = scripted(40);
  const taskQueue = 'land-loop';
  const status = await withWorker({ namespace, taskQueue, activities: script.activities }, async () => {
    await client.workflow.start('landOrders', { workflowId: taskQueue, taskQueue });
    const latest = client.workflow.getHandle(taskQueue);
    try {
      return await eventually(async () => {
        const now = await latest.query<LandStatus>('status');
        expect(now.sequence).toBe(40);
        return now;
      });
    } finally {
      await latest.terminate();
    }
  });
  expect(status.runs).toBeGreaterThan(1);
  expect(status).toMatchObject({
    nextOffsets: { 0: '400' },
    rows: { read: 400, landed: 320, duplicate: 40, quarantined: 40 },
    failures: { item_empty: 40 },
    files: 40,
    lagOffsets: 0,
    newestCreatedAt: '2025-11-18T10:00:00.000000Z',
    freshness: { batches: 20, parts: { capture: { p50: 0.2, max: 0.2 } }, mostly: { part: 'land' } },
  });
  expect(status.freshness!.total.max).toBeGreaterThan(1.1);
  expect(status.freshness!.total.p50).toBeLessThan(status.freshness!.total.max - 0.1);
  for (const [index, { epoch, sequence, ranges, highWater }] of script.landed.entries()) {
    expect(epoch).toBe(1);
    expect(sequence).toBe(index + 1);
    expect(ranges).toEqual([{ partition: 0, from: String(index * 10), to: String(index * 10 + 10) }]);
    expect(highWater['0']?.orderId).toBe(index === 0 ? undefined : String(index));
  }
  expect(script.committed.map(({ sequence, next }) => [sequence, next['0']])).toEqual(
    Array.from({ length: 40 }, (_, index) => [index + 1, String(index * 10 + 10)]),
  );
});

test('a conflict with what this workflow itself has landed leads to its place, and a reset that came before is kept', async () => {
  const script = scripted(9);
  const opened: (OpenLandingInput | undefined)[] = [];
  const conflict = () => Promise.reject(new NonRetryableError('LandingConflict', 'holds another batch'));
  const activities: LandActivities = {
    ...script.activities,
    openLanding: async (input?: OpenLandingInput) => {
      opened.push(input);
      const first = await script.activities.openLanding();
      if (input?.onlyOwn !== true) return first;
      const next = { 0: '70' };
      return { ...first, epoch: opened.length, sequence: opened.length + 8, next, reached: next };
    },
    landMicroBatch: (input) =>
      input.sequence === 3 || (input.epoch === 2 && input.ranges[0]?.from === '0')
        ? conflict()
        : script.activities.landMicroBatch(input),
  };
  const id = 'land-behind';
  const status = await withWorker({ namespace, taskQueue: id, activities }, async () => {
    const handle = await client.workflow.start('landOrders', { workflowId: id, taskQueue: id });
    const latest = client.workflow.getHandle(id);
    const reached = (sequence: number) =>
      eventually(async () => {
        const now = await latest.query<LandStatus>('status');
        expect(now.sequence).toBe(sequence);
        return now;
      });
    try {
      await reached(12);
      await latest.signal('resetOffsets', { offsets: 'earliest', reason: 'again' });
      return await reached(20);
    } finally {
      await latest.terminate();
      await handle.result().catch(() => undefined);
    }
  });
  const [{ firstRunId } = {}, ...again] = opened;
  expect(firstRunId).toMatch(/^[0-9a-f-]{36}$/);
  expect(again).toEqual([1, 2].map(() => ({ unnamed: true, onlyOwn: true, firstRunId })));
  expect(script.committed.map(({ epoch, sequence, ranges }) => [epoch, sequence, ranges[0]?.from])).toEqual([
    [1, 1, '0'],
    [1, 2, '10'],
    [2, 11, '70'],
    [2, 12, '80'],
    ...Array.from({ length: 9 }, (_, n) => [3, n + 12, String(n * 10)]),
  ]);
  expect(script.committed[4]).toMatchObject({ resets: [{ to: { 0: '0' }, reason: 'again' }] });
  expect(status.rows.landed).toBe(13 * 8);
});

test('resetOffsets lands again from there, tells the ledger why, and what was reached stays known', async () => {
  const script = scripted(3);
  const taskQueue = 'land-reset';
  await withWorker({ namespace, taskQueue, activities: script.activities }, async () => {
    const handle = await client.workflow.start('landOrders', { workflowId: taskQueue, taskQueue });
    const status = () => handle.query<LandStatus>('status');
    try {
      await eventually(async () => expect((await status()).sequence).toBe(3));
      await handle.signal('resetOffsets', { offsets: { 0: '999' } });
      await handle.signal('resetOffsets', { offsets: 'latest' });
      await eventually(async () => expect((await status()).refusals).toHaveLength(2));
      await handle.signal('resetOffsets', { offsets: 'earliest', reason: 'trial' });
      await eventually(async () => expect((await status()).sequence).toBe(6));
      expect(await status()).toMatchObject({
        nextOffsets: { 0: '30' },
        resets: [{ from: { 0: '30' }, to: { 0: '0' }, reason: 'trial' }],
        refusals: [
          { problem: 'no such offsets' },
          { problem: expect.stringContaining('"earliest"') as string },
        ],
      });
    } finally {
      await handle.terminate();
    }
  });
  expect(script.landed.map(({ sequence, reached }) => [sequence, reached['0']])).toEqual([
    [1, '0'],
    [2, '10'],
    [3, '20'],
    [4, '30'],
    [5, '30'],
    [6, '30'],
  ]);
  expect(script.committed.map(({ resets }) => resets.map(({ reason }) => reason))).toEqual([
    [],
    [],
    [],
    ['trial'],
    [],
    [],
  ]);
});

test('after a reset to a topic that was recreated its id counts, its offsets are no repeats, and there is no way back', async () => {
  const script = scripted(2);
  let topicId = 'old';
  const resolved: object[] = [];
  const { claimMicroBatch } = script.activities;
  const activities: LandActivities = {
    ...script.activities,
    claimMicroBatch: async (input) => ({ ...(await claimMicroBatch(input)), topicId }),
    resolveOffsets: (input) => {
      resolved.push(input);
      return Promise.resolve({ offsets: { 0: '0' }, topicId });
    },
  };
  const taskQueue = 'land-recreated';
  await withWorker({ namespace, taskQueue, activities }, async () => {
    const handle = await client.workflow.start('landOrders', { workflowId: taskQueue, taskQueue });
    const status = () => handle.query<LandStatus>('status');
    try {
      await eventually(async () => expect((await status()).sequence).toBe(2));
      topicId = 'new';
      await handle.signal('resetOffsets', { offsets: 'earliest' });
      await eventually(async () => expect((await status()).sequence).toBe(4));
      expect((await status()).resets).toMatchObject([{ to: { 0: '0' }, topicId: 'new' }]);
      await handle.signal('resetOffsets', { undo: true });
      await eventually(async () => expect((await status()).refusals).toHaveLength(1));
    } finally {
      await handle.terminate();
    }
  });
  expect(resolved).toEqual([{ offsets: 'earliest', topicId: 'old' }]);
  const known = (of: { topicId?: string; topicSince?: number; reached: Record<string, string> }) => [
    of.topicId,
    of.topicSince,
    of.reached['0'],
  ];
  expect(script.landed.map(known)).toEqual([
    ['old', undefined, '0'],
    ['old', undefined, '10'],
    ['new', 3, '0'],
    ['new', 3, '10'],
  ]);
  expect(script.committed.map(known)).toEqual([
    ['old', undefined, '10'],
    ['old', undefined, '20'],
    ['new', 3, '10'],
    ['new', 3, '20'],
  ]);
});

test('partitions that were added count from then on, and old high water says nothing of their buckets', async () => {
  const script = scripted(2);
  const taskQueue = 'land-partitions-added';
  const { claimMicroBatch } = script.activities;
  const activities: LandActivities = {
    ...script.activities,
    claimMicroBatch: async (input) => {
      const claim = await claimMicroBatch(input);
      const isNew = input.next['0'] === '10' && input.next['1'] === undefined;
      return isNew ? { ranges: [], lagOffsets: 10, added: { 1: '0', 2: '0' } } : claim;
    },
  };
  await withWorker({ namespace, taskQueue, activities }, async () => {
    const handle = await client.workflow.start('landOrders', { workflowId: taskQueue, taskQueue });
    try {
      await eventually(async () =>
        expect(await handle.query<LandStatus>('status')).toMatchObject({
          sequence: 2,
          nextOffsets: { 0: '20', 1: '0', 2: '0' },
        }),
      );
    } finally {
      await handle.terminate();
    }
  });
  const mark = { createdAt: '2025-11-18T10:00:00.000000Z', orderId: '1' };
  expect(
    script.landed.map(({ partitions, reached, highWater }) => ({ partitions, reached, highWater })),
  ).toEqual([
    { partitions: 1, reached: { 0: '0' }, highWater: {} },
    { partitions: 3, reached: { 0: '10', 1: '0', 2: '0' }, highWater: { 0: mark, 1: mark, 2: mark } },
  ]);
  expect(script.committed[1]).toMatchObject({
    next: { 0: '20', 1: '0', 2: '0' },
    reached: { 0: '20', 1: '0', 2: '0' },
  });
});
