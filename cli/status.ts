import {
  WorkflowNotFoundError,
  decodePendingActivityState,
  type Client,
  type WorkflowHandle,
} from '@temporalio/client';
import { describeCapture, describeLand, type Described } from '../domain/describe-status';
import { WORKFLOWS, type WorkflowType } from '../domain/names';
import type { CaptureStatus, LandStatus } from '../domain/status';
import { withClient } from './client';
import { describeEnd, lookAt, type Ended, type Life } from './workflow-life';
import { START } from './workflow-task';

export interface PipelineStatus {
  /** Also of one that has ended, where a worker answers: as it was then. */
  capture: CaptureStatus | null;
  land: LandStatus | null;
  /** Activities that fail and are being retried right now. */
  retrying: string[];
  /** Those that have ended, and how to start them again. */
  ended: Ended[];
  /** What Temporal sees of those that run and do not get on, and what to do. */
  troubles: string[];
  /** Those that run and gave no answer, and why that may be. */
  silent: string[];
  /** 0: both run, or retry by themselves; 1: one has ended, was never started or is stuck; 2: it cannot be told. */
  exitCode: 0 | 1 | 2;
}

/** What both workflows answer, and what Temporal knows of them; `null` for one that was never started or does not answer. */
export async function pipelineStatus(client: Client): Promise<PipelineStatus> {
  const [capture, land] = await Promise.all([
    seen<CaptureStatus>(client, 'captureOrders'),
    seen<LandStatus>(client, 'landOrders'),
  ]);
  const both = [capture, land];
  const troubles = both.flatMap(({ life }) => life.troubles);
  const silent = both.flatMap((one) => one.silent ?? []);
  const down = both.some(({ life }) => life.running !== true) || troubles.some(({ stuck }) => stuck);
  return {
    capture: capture.status,
    land: land.status,
    retrying: both.flatMap(({ retrying }) => retrying),
    ended: both.flatMap(({ life }) => life.ended ?? []),
    troubles: troubles.map(({ found, toDo }) => `${found}. To do: ${toDo}`),
    silent,
    exitCode: down ? 1 : silent.length > 0 ? 2 : 0,
  };
}

interface Seen<S> {
  life: Life;
  status: S | null;
  retrying: string[];
  silent?: string;
}

async function seen<S>(client: Client, type: WorkflowType): Promise<Seen<S>> {
  const handle = client.workflow.getHandle(WORKFLOWS[type].id);
  const life = await lookAt(client, type);
  if (life.running === undefined) return { life, status: null, retrying: [] };
  const retrying = await failingActivities(handle);
  try {
    return { life, status: await ask<S>(client, handle), retrying };
  } catch (error) {
    // Of one that has ended or is stuck the reason is known.
    const known = !life.running || life.troubles.some(({ stuck }) => stuck);
    return { life, status: null, retrying, silent: known ? undefined : (error as Error).message };
  }
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

/** `npm run orders -- status`; the exit code is {@link PipelineStatus.exitCode}, and 2 where Temporal does not answer. */
export async function status({ json }: { json?: boolean }): Promise<void> {
  try {
    const found = await withClient(pipelineStatus);
    console.log(json === true ? JSON.stringify(found, null, 2) : describe(found).join('\n'));
    for (const line of found.silent) console.error(line);
    process.exitCode = found.exitCode;
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 2;
  }
}

function describe(found: PipelineStatus): string[] {
  const { capture, land, retrying, troubles } = found;
  return [
    ...section(WORKFLOWS.captureOrders.id, found, capture && describeCapture(capture)),
    ...section(WORKFLOWS.landOrders.id, found, land && describeLand(land)),
    ...troubles,
    ...retrying.map((line) => `retrying ${line}`),
  ];
}

function section(id: string, found: PipelineStatus, described: Described | null): string[] {
  const end = found.ended.find(({ workflowId }) => workflowId === id);
  const [first, ...others] = described?.facts ?? [];
  const indented = [...others, ...(described?.trouble ?? [])].map((line) => `  ${line}`);
  if (end !== undefined)
    return [
      `${id}: ${describeEnd(end)}`,
      `  start it again, it goes on where it ended: ${end.startAgain}`,
      // What it was doing then is over.
      ...(first === undefined ? [] : [`  ${first.replace(/^\w+: /, '')}`]),
      ...indented,
    ];
  if (first !== undefined) return [`${id}: ${first}`, ...indented];
  // What is told elsewhere: it is stuck, or gave no answer.
  const told = [...found.troubles, ...found.silent].some((line) => line.includes(id));
  return told ? [] : [`${id}: not started (${START})`];
}
