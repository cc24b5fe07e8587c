/**
 * Records histories for the replay test: `npm run record-histories -- <label>`, from released code only.
 * Runs a pipeline on servers of its own with real workers, kills Kafka and the workers on the way, lets both workflows continue
 * as new, does what operators do, and saves every run. Failed batches and replays are recorded by their own test, with
 * ORDERS_RECORD_HISTORIES=<label>. A recorded file is never changed: new paths get new files.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { startWorkers } from '../../dev/workers';
import { WORKFLOWS } from '../../domain/names';
import type { CaptureStatus, LandStatus } from '../../domain/status';
import {
  ORDERS_TABLE,
  freshNamespace,
  freshPipeline,
  type FreshPipeline,
} from '../../dev/stack/fresh-pipeline';
import { ownStack } from '../../dev/torture/own-stack';
import { saveHistories } from './save';

async function main(label: string): Promise<void> {
  const stack = await ownStack({
    temporalDynamicConfig: { 'limit.historyCount.suggestContinueAsNew': 60 },
  });
  const { addresses } = stack;
  try {
    const pipeline = await freshPipeline(addresses);
    const { client, close } = await freshNamespace(addresses, pipeline.name, { searchAttributes: true });
    const workers = await startWorkers({
      env: pipeline.env,
      logFile: join(pipeline.directory, 'worker.log'),
    });
    for (const [type, { id, taskQueue }] of Object.entries(WORKFLOWS)) {
      await client.workflow.start(type, { workflowId: id, taskQueue });
    }
    for (let n = 1; n <= 6; n++) await insertAndWait(pipeline, client, n * 10);
    await stack.kill('kafka');
    const waiting = insertAndWait(pipeline, client, 70);
    await sleep(3_000);
    await stack.up();
    await waiting;
    await workers.stop();
    const again = await startWorkers({ env: pipeline.env, logFile: join(pipeline.directory, 'worker.log') });
    await insertAndWait(pipeline, client, 80);
    await operate(pipeline, client);
    await client.workflow.execute('verifyPipeline', {
      workflowId: 'orders-verify-now',
      taskQueue: WORKFLOWS.landOrders.taskQueue,
    });
    await saveHistories(client, addresses, label);
    await again.stop();
    await close();
    await pipeline.dispose();
  } finally {
    await stack.destroy();
  }
}

/** Pauses, resets, undoes and refusals, by signal and by update. */
async function operate(pipeline: FreshPipeline, client: Client): Promise<void> {
  const capture = client.workflow.getHandle(WORKFLOWS.captureOrders.id);
  const land = client.workflow.getHandle(WORKFLOWS.landOrders.id);
  const landed = async () => (await land.query<LandStatus>('status')).rows.landed;
  for (const handle of [capture, land]) {
    await handle.signal('pause', { reason: 'recorded' });
    await handle.signal('pause', { raison: 'refused' });
    await handle.executeUpdate('resume', { args: [{}] });
    await handle.executeUpdate('pause', { args: [{ raison: 'refused' }] }).catch(() => undefined);
  }
  await insertAndWait(pipeline, client, 90);
  const before = await landed();
  await capture.signal('resetWatermark', { createdAt: '2020-01-01T00:00:00Z' });
  await capture.executeUpdate('resetWatermark', { args: [{ undo: true }] });
  await land.executeUpdate('resetOffsets', { args: [{ offsets: 'earliest', reason: 'recorded' }] });
  await land.signal('resetOffsets', { undo: true });
  await land.signal('resetOffsets', { offsets: { 7: '1' } });
  await sleep(5_000);
  if ((await landed()) !== before) throw new Error('a reset landed orders again');
}

async function insertAndWait(pipeline: FreshPipeline, client: Client, total: number): Promise<void> {
  await pipeline.pool.query(
    `INSERT INTO ${ORDERS_TABLE} (customer_name, restaurant_name, item, amount, order_status)
     SELECT CASE WHEN i = 1 THEN '' ELSE 'Alice' END, 'Spice Garden', 'Butter Chicken', 350.00, 'PLACED' FROM generate_series(1, 10) i`,
  );
  for (;;) {
    const capture = await client.workflow.getHandle('orders-capture').query<CaptureStatus>('status');
    const land = await client.workflow.getHandle('orders-land').query<LandStatus>('status');
    if (capture.rows === total && land.rows.read === total) return;
    await sleep(100);
  }
}

const [label] = process.argv.slice(2);
if (label === undefined || !/^[\w.-]+$/.test(label)) {
  console.error('usage: npm run record-histories -- <label>, such as 0.1.0');
  process.exit(2);
}
main(label).catch((error: Error) => {
  console.error(error);
  process.exit(1);
});
