/** A batch whose rows are of very many dates names as many files; Temporal takes 2 MB, so it is landed in parts. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { NonRetryableError } from '../../domain/errors';
import { spanOf } from '../../domain/ranges';
import type { LandStatus } from '../../domain/status';
import type { LakeFile, OrdersLake, OrdersTopic } from '../../ports';
import type { LandActivities } from '../../activities/landing';
import { createClaimMicroBatch } from '../../activities/landing/claim-micro-batch';
import { MOST_FILES } from '../../activities/landing/land-micro-batch';
import { accepted, batch, freshLake } from '../helpers/lake';
import { eventually, freshNamespace } from '../helpers/pipeline';
import { withWorker } from '../helpers/worker';
import { openedAt } from './opened-landing';

const namespace = `wide-${process.pid}`;
let client: Client;
let close: () => Promise<void>;

beforeAll(async () => ({ client, close } = await freshNamespace(namespace)));
afterAll(() => close());

const file = (n: number): LakeFile => ({
  path: `date=2025-11-18/part-${String(n).padStart(10, '0')}-1a2b3c4d5e6f.parquet`,
  rows: 1,
  bytes: 1_234_567,
  sha256: '0'.repeat(64),
  first: { createdAt: '2025-11-18T10:00:00.000000Z', orderId: '9223372036854775807' },
  last: { createdAt: '2025-11-18T10:00:00.000000Z', orderId: '9223372036854775807' },
});

/** A topic of one partition in which each message is of a date of its own. */
function landingOf(messages: number, most: number, filesOf = (span: number) => span) {
  const landed: string[] = [];
  const offsets = { '0': '0' };
  const unused = () => Promise.reject(new Error('not in this test'));
  const claim = createClaimMicroBatch({
    topic: {
      offsets: () => {
        const end = { '0': String(messages) };
        return Promise.resolve({ earliest: offsets, stable: end, high: end });
      },
      awaitMessages: () => sleep(200),
    } as unknown as OrdersTopic,
    lake: {
      confirm: () => Promise.resolve(undefined),
      patrol: () => Promise.resolve([]),
    } as unknown as OrdersLake,
    maxOffsets: 100_000,
    waitMs: 100,
    stopping: new AbortController().signal,
  });
  const activities: LandActivities = {
    openLanding: () => Promise.resolve(openedAt(offsets)),
    claimMicroBatch: claim,
    landMicroBatch: ({ ranges }) => {
      const span = spanOf(ranges);
      if (span > most) return Promise.reject(new NonRetryableError('BatchTooWide', `${span} files`));
      landed.push(...ranges.map(({ from, to }) => `${from}..${to}`));
      return Promise.resolve({
        files: Array.from({ length: filesOf(span) }, (_, n) => file(n)),
        quarantineFiles: [],
        counts: { read: span, landed: span, duplicate: 0, quarantined: 0, failures: {} },
        highWater: {},
      });
    },
    commitMicroBatch: ({ sequence }) => Promise.resolve({ sequence }),
    resolveOffsets: unused,
    landAgain: unused,
    selectBatches: unused,
  };
  return { activities, landed };
}

async function untilLanded(activities: LandActivities, rows: number): Promise<LandStatus> {
  const workflowId = randomUUID();
  return withWorker({ namespace, taskQueue: workflowId, activities }, async () => {
    await client.workflow.start('landOrders', { workflowId, taskQueue: workflowId });
    const handle = client.workflow.getHandle(workflowId);
    try {
      return await eventually(async () => {
        const status = await handle.query<LandStatus>('status');
        expect(status.rows.landed).toBe(rows);
        return status;
      }, 30_000);
    } finally {
      await handle.terminate();
    }
  });
}

test('a batch of too many dates is claimed smaller until it fits, and larger again; no offset is left out or landed twice', async () => {
  const { activities, landed } = landingOf(40, 7);
  const status = await untilLanded(activities, 40);
  expect(status).toMatchObject({ nextOffsets: { '0': '40' }, unlanded: [], lagOffsets: 0 });
  expect(status.sequence).toBe(landed.length);
  const bounds = landed.map((range) => range.split('..').map(Number));
  expect(bounds.map(([from]) => from)).toEqual([0, ...bounds.slice(0, -1).map(([, to]) => to)]);
  expect(Math.max(...bounds.map(([from, to]) => to! - from!))).toBeGreaterThan(3);
});

test('as many files as a batch may have go through Temporal, in the result and to the ledger', async () => {
  const { activities } = landingOf(1, 1, () => MOST_FILES);
  expect(await untilLanded(activities, 1)).toMatchObject({ files: MOST_FILES });
});

test('the lake writes nothing of a batch that has more dates than it may', async () => {
  const { remove, lake } = await freshLake();
  try {
    const rows = {
      accepted: [1, 2, 3].map((n) => accepted(n, { createdAt: `2025-11-0${n}T00:00:00.000000Z` })),
      quarantined: [],
    };
    const signal = new AbortController().signal;
    const write = (mostFiles: number) => lake.writeBatch(batch(1), rows, { signal, mostFiles });
    await expect(write(2)).rejects.toMatchObject({ type: 'BatchTooWide' });
    expect((await write(3)).files).toHaveLength(3);
  } finally {
    await remove();
  }
});
