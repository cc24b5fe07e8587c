/** Orders that stand in the topic alone: landing is paused before them, so whatever the topic loses is a loss. */
import type { WorkflowHandle } from '@temporalio/client';
import { WORKFLOWS } from '../../domain/names';
import type { Offsets } from '../../domain/ranges';
import type { CaptureStatus, LandStatus } from '../../domain/status';
import type { Watermark } from '../../domain/watermark';
import { insertOrders } from '../../dev/orders/insert-orders';
import { secondsToCatchUp } from '../../dev/torture/recovery';
import { eventually } from '../helpers/pipeline';
import type { Harness } from './harness';

/** Where landing stands after 300 orders, with 300 more behind it, and capture after those. */
export interface Unlanded {
  landing: WorkflowHandle;
  capture: WorkflowHandle;
  nextOffsets: Offsets;
  watermark: Watermark;
}

export async function publishUnlanded({ pipeline, client }: Harness): Promise<Unlanded> {
  const landing = client.workflow.getHandle(WORKFLOWS.landOrders.id);
  const capture = client.workflow.getHandle(WORKFLOWS.captureOrders.id);
  await insertOrders(pipeline.pool, 300);
  await secondsToCatchUp(pipeline);
  await pause(landing);
  await insertOrders(pipeline.pool, 300);
  await eventually(async () => expect((await capture.query<CaptureStatus>('status')).rows).toBe(600));
  const { nextOffsets } = await landing.query<LandStatus>('status');
  const { watermark } = await capture.query<CaptureStatus>('status');
  return { landing, capture, nextOffsets: nextOffsets!, watermark: watermark! };
}

export async function pause(workflow: WorkflowHandle): Promise<void> {
  await workflow.signal('pause', {});
  await eventually(async () =>
    expect((await workflow.query<CaptureStatus | LandStatus>('status')).phase).toBe('paused'),
  );
}
