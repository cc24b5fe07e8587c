import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { cutMiddle } from '../domain/bounded';
import { WORKFLOWS, type WorkflowType } from '../domain/names';
import { endAndStart, failingTask, lastEvents, START } from './workflow-task';

/** How a workflow ended. */
export interface Ended {
  workflowId: string;
  how: 'completed' | 'failed' | 'cancelled' | 'terminated' | 'timed out';
  /** ISO 8601. */
  at: string;
  /** Of a failure: its type and message; of a cancellation or termination: the reason that was given. */
  type?: string;
  message?: string;
  /** Temporal's name of who cancelled or terminated it. */
  by?: string;
  /** The command that starts it again; it goes on where this one ended. */
  startAgain: string;
}

/** What Temporal knows of a workflow, without its own answer. */
export interface Life {
  /** `undefined`: never started, or so long ago that the namespace has forgotten it. */
  running?: boolean;
  ended?: Ended;
  /** Why it does not get on, or soon will not, and what to do. */
  troubles: Trouble[];
}

interface Trouble {
  found: string;
  toDo: string;
  /** It does not get on at all. */
  stuck: boolean;
}

/** Temporal ends a workflow by force at 51,200 events or 50 MB; ours continue as new at a tenth of that. */
const WORRYING = { events: 25_000, bytes: 25_000_000 };

/** Looks at the workflow with the fixed id of its type. */
export async function lookAt(client: Client, type: WorkflowType): Promise<Life> {
  const { id, taskQueue } = WORKFLOWS[type];
  const handle = client.workflow.getHandle(id);
  const description = await handle.describe().catch((error: unknown) => {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  });
  if (description === undefined) return { troubles: [] };
  if (description.status.name !== 'RUNNING') {
    const { runId, closeTime } = description;
    return { running: false, ended: await howItEnded(client, id, runId, closeTime), troubles: [] };
  }
  const troubles: Trouble[] = [];
  const failing = await failingTask(client, id, description);
  if (failing !== undefined) troubles.push({ ...failing, stuck: true });
  if (description.taskQueue !== taskQueue)
    troubles.push({
      found: `${id} was started on task queue ${description.taskQueue}, which no worker of ours serves`,
      toDo: endAndStart(id),
      stuck: true,
    });
  const { historyLength, historySize = 0 } = description;
  if (historyLength > WORRYING.events || historySize > WORRYING.bytes)
    troubles.push({
      found: `the history of ${id} has ${historyLength} events and ${historySize} bytes; Temporal ends it at 51200 or 50 MB`,
      toDo: `stop whoever signals it so often; or ${endAndStart(id)}`,
      stuck: false,
    });
  return { running: true, troubles };
}

export function describeEnd({ how, at, type, message, by }: Ended): string {
  const who = by === undefined ? '' : ` by ${by}`;
  const why = [type, message].filter((part) => part !== undefined && part !== '').join(': ');
  return `${how} at ${at}${who}${why === '' ? '' : `: ${why}`}`;
}

const EVENTS_AT_THE_END = 20;

async function howItEnded(
  client: Client,
  workflowId: string,
  runId: string,
  closeTime: Date | undefined,
): Promise<Ended> {
  const at = (closeTime ?? new Date(0)).toISOString();
  const events = await lastEvents(client, workflowId, runId, EVENTS_AT_THE_END);
  const ended = (how: Ended['how'], rest: Partial<Ended> = {}): Ended => ({
    workflowId,
    how,
    at,
    ...rest,
    startAgain: START,
  });
  const [last] = events;
  if (last?.workflowExecutionFailedEventAttributes) {
    let failure = last.workflowExecutionFailedEventAttributes.failure ?? {};
    let type = failure.applicationFailureInfo?.type;
    while (failure.cause?.message) {
      failure = failure.cause;
      // Ours are caused by an error without a type, with the same message.
      type = failure.applicationFailureInfo?.type || type;
    }
    const message = cutMiddle(failure.message ?? '');
    return ended('failed', { type: type ?? undefined, message });
  }
  if (last?.workflowExecutionTerminatedEventAttributes) {
    const { reason, identity } = last.workflowExecutionTerminatedEventAttributes;
    return ended('terminated', by(identity, reason));
  }
  if (last?.workflowExecutionCanceledEventAttributes) {
    const request = events.find(
      (event) => event.workflowExecutionCancelRequestedEventAttributes,
    )?.workflowExecutionCancelRequestedEventAttributes;
    return ended('cancelled', by(request?.identity, request?.cause));
  }
  return ended(last?.workflowExecutionTimedOutEventAttributes ? 'timed out' : 'completed');
}

function by(identity: string | null | undefined, why: string | null | undefined): Partial<Ended> {
  return { by: identity || undefined, message: why ? cutMiddle(why) : undefined };
}
