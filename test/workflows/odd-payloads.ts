/** Workflows with activities that do nothing, and payloads that no client of ours would send. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { Payload } from '@temporalio/common';
import type { LandActivities } from '../../activities/landing';
import { freshNamespace } from '../helpers/pipeline';
import { withWorker } from '../helpers/worker';
import { openedAt } from './opened-landing';

export const namespace = `odd-${randomUUID()}`;
export let client: Client;
let close: () => Promise<void>;

beforeAll(async () => ({ client, close } = await freshNamespace(namespace)));
afterAll(() => close());

const unused = () => Promise.reject(new Error('not in this test'));
export const offsets = { '0': '10' };
export const landing: LandActivities = {
  openLanding: () => Promise.resolve(openedAt(offsets)),
  claimMicroBatch: async () => {
    await sleep(500);
    return { ranges: [], lagOffsets: 0 };
  },
  resolveOffsets: ({ offsets: to }) => Promise.resolve(to === 'earliest' ? {} : { offsets: to }),
  landMicroBatch: unused,
  commitMicroBatch: unused,
  landAgain: unused,
  selectBatches: unused,
};
const watermark = { createdAt: '2025-11-18T10:00:00.000000Z', orderId: '1' };
const capturing = {
  openCapture: () => Promise.resolve({ sequence: 0, watermark, startedFrom: 'x', warnings: [] }),
  poll: async () => {
    await sleep(500);
    return { rows: 0, more: false, clock: watermark.createdAt, heldBy: null };
  },
};

/** Runs `work` beside a running workflow. */
export async function beside<S>(
  type: 'captureOrders' | 'landOrders',
  work: (workflowId: string, status: () => Promise<S>) => Promise<void>,
): Promise<void> {
  const workflowId = `${type}-${randomUUID()}`;
  const activities = type === 'landOrders' ? landing : capturing;
  await withWorker({ namespace, taskQueue: workflowId, activities }, async () => {
    await client.workflow.start(type, { workflowId, taskQueue: workflowId });
    const handle = client.workflow.getHandle(workflowId);
    try {
      await work(workflowId, () => handle.query<S>('status'));
    } finally {
      await handle.terminate().catch(() => undefined);
    }
  });
}

const bytes = (text: string) => Buffer.from(text, 'utf8');
export const encoded = (encoding: string, data: string): Payload => ({
  metadata: { encoding: bytes(encoding) },
  data: bytes(data),
});
export const json = (data: string) => encoded('json/plain', data);

export const signalRaw = (workflowId: string, signalName: string, payloads: Payload[]) =>
  client.workflowService.signalWorkflowExecution({
    namespace,
    workflowExecution: { workflowId },
    signalName,
    input: { payloads },
  });

/** Why the update was refused. */
export async function updateRaw(
  workflowId: string,
  name: string,
  payloads: Payload[],
): Promise<string | undefined> {
  const { outcome } = await client.workflowService.updateWorkflowExecution({
    namespace,
    workflowExecution: { workflowId },
    waitPolicy: { lifecycleStage: 3 },
    request: { meta: { updateId: randomUUID() }, input: { name, args: { payloads } } },
  });
  return outcome?.failure?.message ?? undefined;
}

export const UNDECODABLE: [string, Payload][] = [
  ['an encoding that needs a key', encoded('binary/encrypted', 'x')],
  ['protobuf', encoded('json/protobuf', '{}')],
  ['broken JSON', json('{"createdAt": ')],
  ['no metadata', { data: bytes('{}') }],
  ['an empty payload', {}],
];
