import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { CaptureActivities } from '../../activities/capture';
import type { OpenCaptureInput } from '../../activities/capture/open-capture';
import { NonRetryableError } from '../../domain/errors';
import { NONE_MISSED } from '../../domain/missed';
import type { CaptureStatus } from '../../domain/status';
import type { captureOrders } from '../../workflows';
import { eventually, freshNamespace } from '../helpers/pipeline';
import { withWorker } from '../helpers/worker';
import { mark, scripted } from './scripted-capture';

const namespace = `capture-${process.pid}`;
let client: Client;
let close: () => Promise<void>;

beforeAll(async () => ({ client, close } = await freshNamespace(namespace)));
afterAll(() => close());

function run<T>(
  id: string,
  activities: CaptureActivities,
  input: Parameters<typeof captureOrders>,
  work: (status: () => Promise<CaptureStatus>) => Promise<T>,
) {
  const taskQueue = id;
  return withWorker({ namespace, taskQueue, activities }, async () => {
    const handle = await client.workflow.start('captureOrders', { workflowId: id, taskQueue, args: input });
    // Without the run's id: the handle follows the workflow when it continues as new.
    const latest = client.workflow.getHandle(id);
    try {
      return await work(() => latest.query<CaptureStatus>('status'));
    } finally {
      await latest.terminate().catch(() => undefined);
      await handle.result().catch(() => undefined);
    }
  });
}

test('a publish is told the topic of the one before, and after a reset that there was a reset, and no topic', async () => {
  const script = scripted(3);
  const activities: CaptureActivities = {
    ...script.activities,
    openCapture: async (input) => ({ ...(await script.activities.openCapture(input)), topicId: 'old' }),
    publish: async (input) => {
      const topicId = input.afterReset === true || input.topicId === 'new' ? 'new' : 'old';
      return { ...(await script.activities.publish(input)), topicId };
    },
  };
  await run('topic', activities, [], async (status) => {
    await eventually(async () => expect((await status()).sequence).toBe(3));
    await client.workflow.getHandle('topic').signal('resetWatermark', mark(1));
    await eventually(async () => expect((await status()).sequence).toBe(5));
  });
  expect(script.published.map(({ topicId, afterReset }) => [topicId, afterReset])).toEqual([
    ...[1, 2, 3].map(() => ['old', undefined]),
    [undefined, true],
    ['new', undefined],
  ]);
});

test('windows follow each other without gap, and continuing as new loses nothing', async () => {
  const script = scripted(40);
  const status = await run('loop', script.activities, [], (ask) =>
    eventually(async () => {
      const now = await ask();
      expect(now.sequence).toBe(40);
      return now;
    }),
  );
  expect(status.runs).toBeGreaterThan(1);
  expect(status).toMatchObject({
    rows: 400,
    watermark: mark(40),
    lastError: null,
    startedFrom: 'default_start_timestamp',
    // Of 20 windows, which this run alone has not had.
    freshness: { batches: 20, parts: { wait: { p50: 0.5 } }, mostly: { part: 'held', seconds: 1.5 } },
  });
  expect(script.published).toEqual(
    Array.from({ length: 40 }, (_, index) => ({
      sequence: index + 1,
      firstRunId: expect.any(String) as string,
      lower: mark(index),
      late: { watch: null, missed: NONE_MISSED, gaps: [] },
      upper: mark(index + 1),
    })),
  );
  expect(script.advanced).toEqual(Array.from({ length: 40 }, (_, index) => index + 1));
});

test('a transient error is retried with the same window, and status tells of it afterwards', async () => {
  const script = scripted(2, { publish: [new Error('broker away'), new Error('broker still away')] });
  const status = await run('transient', script.activities, [], (ask) =>
    eventually(async () => {
      const now = await ask();
      expect(now.sequence).toBe(2);
      return now;
    }),
  );
  expect(script.published.map(({ sequence }) => sequence)).toEqual([1, 2]);
  expect(status.lastError).toMatchObject({ activity: 'publish', attempts: 3, error: 'broker still away' });
});

test('a non-retryable error ends the workflow with its type and message, without a second attempt', async () => {
  const failure = new NonRetryableError('CaptureConflict', 'a second capture runs');
  const script = scripted(2, { publish: [failure] });
  await withWorker({ namespace, taskQueue: 'lasting', activities: script.activities }, async () => {
    const handle = await client.workflow.start('captureOrders', {
      workflowId: 'lasting',
      taskQueue: 'lasting',
    });
    await expect(handle.result()).rejects.toMatchObject({
      cause: { cause: { type: 'CaptureConflict', message: 'a second capture runs' } },
    });
  });
  expect(script.published).toEqual([]);
});

test('a conflict with what this workflow itself has published leads to its place, and a reset that came before is kept', async () => {
  const conflict = () => new NonRetryableError('CaptureConflict', 'the last published is 4');
  const script = scripted(6, { publish: [conflict()] });
  const opened: OpenCaptureInput[] = [];
  const activities: CaptureActivities = {
    ...script.activities,
    openCapture: (input) => {
      opened.push(input);
      if (input.behind === undefined) return script.activities.openCapture(input);
      const [sequence, place] = [input.behind.sequence + 4, input.startFrom ?? mark(4)];
      return Promise.resolve({ sequence, watermark: place, startedFrom: 'progress record', warnings: [] });
    },
    publish: (input) =>
      // The second conflict: at the first window after the reset.
      input.afterReset === true && input.sequence === 7
        ? Promise.reject(conflict())
        : script.activities.publish(input),
  };
  await run('behind', activities, [], async (status) => {
    await eventually(async () => expect((await status()).sequence).toBe(6));
    await client.workflow.getHandle('behind').signal('resetWatermark', mark(1));
    await eventually(async () => expect((await status()).sequence).toBe(15));
  });
  expect(opened.slice(1).map(({ behind, startFrom }) => [behind?.sequence, startFrom])).toEqual([
    [0, undefined],
    [6, mark(1)],
  ]);
  expect(
    script.published.map(({ sequence, lower, afterReset }) => [sequence, lower.orderId, afterReset]),
  ).toEqual([
    [5, '4', undefined],
    [6, '5', undefined],
    [11, '1', true],
    ...[12, 13, 14, 15].map((n, index) => [n, String(index + 2), undefined]),
  ]);
  const [firstRunId] = new Set(opened.slice(1).map(({ behind }) => behind?.firstRunId));
  expect(firstRunId).toMatch(/^[0-9a-f-]{36}$/);
  expect(new Set(script.published.map((input) => input.firstRunId))).toEqual(new Set([firstRunId]));
});

test('startFrom begins there; a wrong one is refused and says what is wrong', async () => {
  const script = scripted(0);
  const startFrom = { createdAt: '2025-11-18 00:00:00', orderId: 7 };
  await run('from', script.activities, [{ startFrom }], () =>
    eventually(() => expect(script.polls.length).toBeGreaterThan(0)),
  );
  expect(script.polls[0]!.after).toEqual({ createdAt: '2025-11-18T00:00:00.000000Z', orderId: '7' });

  await withWorker({ namespace, taskQueue: 'wrong', activities: script.activities }, async () => {
    const handle = await client.workflow.start('captureOrders', {
      workflowId: 'wrong',
      taskQueue: 'wrong',
      args: [{ startFrom: { createdAt: 'yesterday' } }],
    });
    await expect(handle.result()).rejects.toMatchObject({
      cause: { type: 'InvalidSettings', message: expect.stringContaining('createdAt "yesterday"') as string },
    });
  });
});

test('each activity has a summary and the workflow current details that a person can read', async () => {
  const script = scripted(1);
  await run('readable', script.activities, [], async (ask) => {
    await eventually(async () => expect((await ask()).phase).toBe('polling'));
    await eventually(async () => expect((await ask()).sequence).toBe(1));
    const handle = client.workflow.getHandle('readable');
    const { events } = await handle.fetchHistory();
    const summaries = (events ?? []).flatMap((event) => {
      const data = event.userMetadata?.summary?.data;
      return data ? [JSON.parse(Buffer.from(data).toString()) as string] : [];
    });
    expect(summaries).toContain('#1: 10 rows, 2025-11-18 10:00:00.000000|0 to 2025-11-18 10:00:00.000001|1');
    const metadata = await handle.query<{ currentDetails: string }>('__temporal_workflow_metadata');
    expect(metadata.currentDetails).toMatch(/^polling: 10 rows since it was started, 1 window in all/);
  });
});

test('signals act in the middle of a poll: pause, reset, resume; a malformed one changes nothing and is told', async () => {
  const script = scripted(3);
  await run('signals', script.activities, [], async (status) => {
    const handle = client.workflow.getHandle('signals');
    await eventually(async () => expect((await status()).sequence).toBe(3));
    await handle.signal('pause', { reason: 'lunch' });
    await eventually(async () =>
      expect(await status()).toMatchObject({ phase: 'paused', paused: { reason: 'lunch' } }),
    );
    await handle.signal('resetWatermark', { createdAt: 'soon' });
    await handle.signal('resetWatermark', { ...mark(1), reason: 'again' });
    await eventually(async () => expect((await status()).resets).toHaveLength(1));
    expect(await status()).toMatchObject({
      phase: 'paused',
      sequence: 3,
      watermark: mark(1),
      resets: [{ from: mark(3), to: mark(1), reason: 'again' }],
      refusals: [{ signal: 'resetWatermark', problem: expect.stringContaining('"soon"') as string }],
    });
    await handle.signal('resume');
    await eventually(async () =>
      expect(await status()).toMatchObject({ sequence: 5, watermark: mark(3), paused: null }),
    );
  });
  expect(script.published.map(({ sequence, lower }) => [sequence, lower.orderId])).toEqual([
    [1, '0'],
    [2, '1'],
    [3, '2'],
    [4, '1'],
    [5, '2'],
  ]);
});

/** What a run of version 0.1.0 hands to the next one, as its JSON stands in history. */
const stateOf010 = {
  sequence: 7,
  watermark: mark(7),
  startedFrom: 'progress record',
  rows: 70,
  lagSeconds: 0,
  heldBy: null,
  paused: null,
  resets: [],
  refusals: [],
  lastError: null,
  warnings: [],
  runs: 3,
};
const dayAgo = () => Date.now() - 24 * 60 * 60_000;

test('an idle or paused capture renews its progress record once a day, a busy one never', async () => {
  const idle = scripted(7);
  await run('idle', idle.activities, [{ state: { ...stateOf010, recordedAt: dayAgo() } }], () =>
    eventually(() => expect(idle.polls.length).toBeGreaterThan(2)),
  );
  expect(idle.renewed).toEqual([7]);

  const paused = scripted(7);
  const soon = { ...stateOf010, recordedAt: dayAgo() + 3_000, paused: { reason: null, since: '' } };
  await run('paused', paused.activities, [{ state: soon }], async (status) => {
    expect(await status()).toMatchObject({ phase: 'paused' });
    expect(paused.renewed).toEqual([]);
    await eventually(() => expect(paused.renewed).toEqual([7]));
  });
  expect(paused.polls).toEqual([]);

  const busy = scripted(9);
  const before = { ...stateOf010, recordedAt: dayAgo() + 4_000 };
  await run('busy', busy.activities, [{ state: before }], async () => {
    await eventually(() => expect(busy.advanced).toEqual([8, 9]));
    await sleep(4_500);
  });
  expect(busy.renewed).toEqual([]);
});

test('a state that version 0.1.0 handed over goes on, and its record is renewed once', async () => {
  const script = scripted(8);
  await run('from-010', script.activities, [{ state: stateOf010 }], (status) =>
    eventually(async () => expect(await status()).toMatchObject({ sequence: 8, rows: 80, runs: 3 })),
  );
  expect(script.renewed).toEqual([7]);
});

test('pausing, resetting and counting survive continue-as-new', async () => {
  const script = scripted(1);
  await run('carried', script.activities, [], async (status) => {
    const handle = client.workflow.getHandle('carried');
    await eventually(async () => expect((await status()).sequence).toBe(1));
    for (let n = 0; n < 12; n++) {
      await handle.signal('pause', { reason: `${n}` });
      await handle.signal('resetWatermark', mark(1));
      await handle.signal('resume');
      await eventually(async () => expect((await status()).resets).toHaveLength(n + 1));
    }
    await handle.signal('pause');
    await eventually(async () => {
      const now = await status();
      expect(now).toMatchObject({ phase: 'paused', sequence: 1, rows: 10 });
      expect(now.runs).toBeGreaterThan(1);
      expect(now.resets).toHaveLength(12);
    });
  });
});
