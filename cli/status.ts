import {
  WorkflowNotFoundError,
  decodePendingActivityState,
  type Client,
  type WorkflowHandle,
} from '@temporalio/client';
import { describeCapture, describeLand, type Described } from '../model/describe-status';
import { WORKFLOWS } from '../model/names';
import type { CaptureStatus, LandStatus } from '../model/status';
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
    capture: await ask<CaptureStatus>(client, capture),
    land: await ask<LandStatus>(client, land),
    retrying: retrying.flat(),
  };
}

/** Activities that wait for something to do. */
const WAITING = new Set(['poll', 'claimMicroBatch']);

/**
 * A wait that has gone on for longer than this has got over what ended the attempt before it, after its worker was replaced,
 * say. It keeps its last failure all the same. Others may just as well hang again.
 */
const HEALTHY_AFTER_MS = 15_000;

/** Activities of a workflow whose last attempt failed, as lines for a person. */
export async function failingActivities(handle: WorkflowHandle): Promise<string[]> {
  const description = await orNull(handle.describe());
  return (description?.raw.pendingActivities ?? [])
    .filter(({ state, activityType, lastFailure, lastStartedTime }) => {
      const runsFor =
        WAITING.has(activityType?.name ?? '') && decodePendingActivityState(state) === 'STARTED'
          ? Date.now() - Number(lastStartedTime?.seconds ?? 0) * 1000
          : 0;
      return lastFailure != null && runsFor < HEALTHY_AFTER_MS;
    })
    .map(
      ({ activityType, attempt, lastFailure }) =>
        `${activityType?.name}, attempt ${attempt}: ${lastFailure?.message}`,
    );
}

/** A query is answered by a worker; without one, Temporal would wait for more than half a minute. */
const QUERY_TIMEOUT_MS = 5_000;

async function ask<S>(client: Client, handle: WorkflowHandle): Promise<S | null> {
  try {
    const deadline = Date.now() + QUERY_TIMEOUT_MS;
    return await orNull(client.withDeadline(deadline, () => handle.query<S>('status')));
  } catch (error) {
    throw new Error(`${handle.workflowId} does not answer. Does a worker run (npm run worker)?`, {
      cause: error,
    });
  }
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
  return [
    ...section(WORKFLOWS.captureOrders.id, capture && describeCapture(capture)),
    ...section(WORKFLOWS.landOrders.id, land && describeLand(land)),
    ...retrying.map((line) => `retrying ${line}`),
  ];
}

function section(id: string, described: Described | null): string[] {
  if (described === null) return [`${id}: not started (npm run orders -- start)`];
  const [first, ...others] = described.facts;
  return [`${id}: ${first}`, ...[...others, ...described.trouble].map((line) => `  ${line}`)];
}
