import { setTimeout as sleep } from 'node:timers/promises';
import {
  WorkflowFailedError,
  WorkflowNotFoundError,
  type Client,
  type WorkflowHandle,
} from '@temporalio/client';
import { loadSettings } from '../configs/load';
import { MAINTAIN, WORKFLOWS, type WorkflowType } from '../domain/names';
import type { CaptureStatus, LandStatus } from '../domain/status';
import { watermarkFrom } from '../domain/watermark';
import { withClient } from './client';
import { findObstacles } from './doctor';
import { failingActivities } from './status';

/** The first look at tables, topic and lake takes a second; longer means that no worker runs. */
const OPENING_TIMEOUT_MS = 20_000;

/** Starts both workflows, and waits until each has looked at its surroundings or failed with the reason. */
export async function startWorkflows(client: Client, startFrom?: string, acceptLake = false): Promise<void> {
  const landInput = acceptLake ? [{ acceptLake }] : [];
  const input = startFrom === undefined ? [] : [{ startFrom: watermarkFrom({ createdAt: startFrom }) }];
  if (startFrom !== undefined && (await isRunning(client, WORKFLOWS.captureOrders.id))) {
    console.warn(
      `warning: ${WORKFLOWS.captureOrders.id} runs already, so --start-from has no effect. To move it, run: ` +
        `temporal workflow signal --workflow-id ${WORKFLOWS.captureOrders.id} --name resetWatermark --input '{"createdAt":"${startFrom}"}'`,
    );
  }
  if (acceptLake && (await isRunning(client, WORKFLOWS.landOrders.id)))
    throw new Error(
      `${WORKFLOWS.landOrders.id} runs already, and --accept-lake is for its start: temporal workflow terminate ` +
        `--workflow-id ${WORKFLOWS.landOrders.id} first.`,
    );
  const handles = await Promise.all(
    (Object.keys(WORKFLOWS) as WorkflowType[]).map((type) =>
      client.workflow.start(type, {
        workflowId: WORKFLOWS[type].id,
        taskQueue: WORKFLOWS[type].taskQueue,
        workflowIdConflictPolicy: 'USE_EXISTING',
        args: type === 'captureOrders' ? input : landInput,
      }),
    ),
  );
  await Promise.all(handles.map(untilOpened));
}

/** Keeps the lake in shape beside them. */
async function startMaintenance(client: Client): Promise<void> {
  const { type, id: workflowId, taskQueue } = MAINTAIN;
  await client.workflow.start(type, { workflowId, taskQueue, workflowIdConflictPolicy: 'USE_EXISTING' });
}

/** `npm run orders -- start` */
export async function start({
  startFrom,
  acceptLake,
  check,
}: {
  startFrom?: string;
  acceptLake?: true;
  check: boolean;
}): Promise<void> {
  await withClient(async (client) => {
    const obstacles = check ? await findObstacles(client, loadSettings()) : [];
    if (obstacles.length > 0)
      throw new Error(
        [...obstacles, 'Nothing was started. --no-check leaves it to the workers to look.'].join('\n'),
      );
    await startWorkflows(client, startFrom, acceptLake);
    if (loadSettings().datalake.compaction.enabled) {
      await startMaintenance(client);
      console.log(`${MAINTAIN.type} runs as ${MAINTAIN.id}`);
    }
    for (const [type, { id }] of Object.entries(WORKFLOWS)) console.log(`${type} runs as ${id}`);
  });
}

async function isRunning(client: Client, workflowId: string): Promise<boolean> {
  try {
    return (await client.workflow.getHandle(workflowId).describe()).status.name === 'RUNNING';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

async function untilOpened(handle: WorkflowHandle): Promise<void> {
  const deadline = Date.now() + OPENING_TIMEOUT_MS;
  for (;;) {
    const { status } = await handle.describe();
    if (status.name !== 'RUNNING') return await reasonOf(handle);
    const answer = await handle.query<CaptureStatus | LandStatus>('status').catch(() => undefined);
    if (answer !== undefined && answer.phase !== 'starting') {
      for (const warning of answer.workflow === 'captureOrders' ? answer.warnings : [])
        console.warn(`warning: ${warning}`);
      return;
    }
    if (Date.now() > deadline) {
      const [failure] = await failingActivities(handle);
      const why = failure === undefined ? 'Does a worker run (npm run worker)?' : `It retries ${failure}`;
      throw new Error(`${handle.workflowId} was started, but does not get on. ${why}`);
    }
    await sleep(200);
  }
}

async function reasonOf(handle: WorkflowHandle): Promise<void> {
  try {
    await handle.result();
  } catch (error) {
    const { message } = error instanceof WorkflowFailedError ? rootCause(error) : (error as Error);
    throw new Error(`${handle.workflowId}: ${message}`, { cause: error });
  }
}

/** Temporal wraps the activity's own error; its message is the one that helps. */
function rootCause(error: Error): Error {
  return error.cause instanceof Error && error.cause.message !== '' ? rootCause(error.cause) : error;
}
