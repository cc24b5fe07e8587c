import {
  WorkflowNotFoundError,
  decodePendingActivityState,
  type Client,
  type WorkflowHandle,
} from '@temporalio/client';
import { WORKFLOWS } from '../model/names';
import type { CaptureStatus, LandStatus } from '../model/status';
import { formatWatermark } from '../model/watermark';
import { withClient } from './client';

export interface PipelineStatus {
  capture: CaptureStatus | null;
  land: LandStatus | null;
  /** Activities that fail and are being retried right now. */
  retrying: string[];
}

/** What both workflows answer, and what Temporal knows of attempts that fail; `null` for one that was never started. */
export async function pipelineStatus(client: Client): Promise<PipelineStatus> {
  const [capture, land] = [
    client.workflow.getHandle('orders-capture'),
    client.workflow.getHandle('orders-land'),
  ];
  const retrying = await Promise.all([capture, land].map(failingActivities));
  return {
    capture: await orNull(capture.query<CaptureStatus>('status')),
    land: await orNull(land.query<LandStatus>('status')),
    retrying: retrying.flat(),
  };
}

/**
 * An attempt that has run for longer than this has got over what ended the one before it: a long poll, say, after its
 * worker was replaced. It keeps its last failure all the same.
 */
const HEALTHY_AFTER_MS = 15_000;

async function failingActivities(handle: WorkflowHandle): Promise<string[]> {
  const description = await orNull(handle.describe());
  return (description?.raw.pendingActivities ?? [])
    .filter(({ state, lastFailure, lastStartedTime }) => {
      const runsFor =
        decodePendingActivityState(state) === 'STARTED'
          ? Date.now() - Number(lastStartedTime?.seconds ?? 0) * 1000
          : 0;
      return lastFailure != null && runsFor < HEALTHY_AFTER_MS;
    })
    .map(
      ({ activityType, attempt, lastFailure }) =>
        `${activityType?.name}, attempt ${attempt}: ${lastFailure?.message}`,
    );
}

async function orNull<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}

/** `npm run orders -- status` */
export async function status({ json }: { json?: boolean }): Promise<void> {
  await withClient(async (client) => {
    const found = await pipelineStatus(client);
    console.log(json === true ? JSON.stringify(found, null, 2) : describe(found).join('\n'));
  });
}

function describe({ capture, land, retrying }: PipelineStatus): string[] {
  const lines: string[] = [];
  if (capture === null) lines.push(`${WORKFLOWS.captureOrders.id}: not started (npm run orders -- start)`);
  else {
    const watermark = capture.watermark === null ? 'none yet' : formatWatermark(capture.watermark);
    lines.push(
      `${WORKFLOWS.captureOrders.id}: ${capture.phase}, ${capture.rows} rows in ${capture.sequence} windows, ` +
        `watermark ${watermark}, lag ${capture.lagSeconds} s`,
    );
    if (capture.heldBy)
      lines.push(
        `  held back by ${capture.heldBy.kind} since ${capture.heldBy.since}: ${capture.heldBy.who}`,
      );
    if (capture.lastError)
      lines.push(`  last error, over: ${capture.lastError.activity}: ${capture.lastError.error}`);
    lines.push(...capture.warnings.map((warning) => `  warning: ${warning}`));
  }
  if (land === null) lines.push(`${WORKFLOWS.landOrders.id}: not started (npm run orders -- start)`);
  else {
    const { landed, quarantined, duplicate } = land.rows;
    lines.push(
      `${WORKFLOWS.landOrders.id}: ${land.phase}, ${landed} rows landed in ${land.sequence} batches, ` +
        `${quarantined} quarantined, ${duplicate} duplicates, lag ${land.lagOffsets} offsets, next ${JSON.stringify(land.nextOffsets)}`,
    );
    const failures = Object.entries(land.failures);
    if (failures.length > 0)
      lines.push(`  by rule: ${failures.map(([rule, count]) => `${rule} ${count}`).join(', ')}`);
    if (land.lastError) lines.push(`  last error, over: ${land.lastError.activity}: ${land.lastError.error}`);
  }
  lines.push(...retrying.map((line) => `retrying ${line}`));
  return lines;
}
