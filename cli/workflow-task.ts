import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import { cutMiddle } from '../domain/bounded';

export const START = 'npm run orders -- start';

/** temporal.api.enums.v1.WorkflowTaskFailedCause */
const NEW_EVENTS_CAME = 1;
const BAD_SEARCH_ATTRIBUTES = 23;
const NON_DETERMINISTIC = 24;

/** A single failure is mended by the next attempt, when a worker was replaced, say. */
const WORTH_TELLING = 2;

/** A failure stands among these; attempts after the first leave no events. */
const LOOK_BACK = 30;

/**
 * The workflow's task that fails again and again, which Temporal retries indefinitely: nobody hears of it, for the workflow
 * itself counts as running. `undefined` where none does.
 */
export async function failingTask(
  client: Client,
  workflowId: string,
  { runId, raw }: WorkflowExecutionDescription,
): Promise<{ found: string; toDo: string } | undefined> {
  const attempt = raw.pendingWorkflowTask?.attempt ?? 0;
  if (attempt < WORTH_TELLING) return undefined;
  const events = await lastEvents(client, workflowId, runId, LOOK_BACK);
  const done = events.findIndex((event) => event.workflowTaskCompletedEventAttributes);
  const failed = (done < 0 ? events : events.slice(0, done)).find(
    (event) => event.workflowTaskFailedEventAttributes,
  )?.workflowTaskFailedEventAttributes;
  if (failed == null || Number(failed.cause) === NEW_EVENTS_CAME) return undefined;
  const what = cutMiddle(failed.failure?.message ?? 'without a message', 1_000);
  const found = `the workflow’s task of ${workflowId} fails again and again (attempt ${attempt}), so nothing flows: ${what}`;
  return { found, toDo: adviceFor(Number(failed.cause), workflowId) };
}

function adviceFor(cause: number, workflowId: string): string {
  if (cause === BAD_SEARCH_ATTRIBUTES)
    return 'the namespace lacks search attributes that it had; run: npm run orders -- setup';
  const why =
    cause === NON_DETERMINISTIC
      ? 'the workers run another version than the one that began this history: run that one again'
      : 'if the workers were just replaced, run the version before';
  return `${why}; or ${endAndStart(workflowId)}`;
}

/** Commands that end a workflow by force and start it anew: what it did stays, and it goes on from there. */
export function endAndStart(id: string): string {
  return `run: temporal workflow terminate --workflow-id ${id} --reason 'started anew' and then: ${START} (a pause has to be asked for again)`;
}

/** The newest events of a run, the newest first. */
export async function lastEvents(client: Client, workflowId: string, runId: string, count: number) {
  const { history } = await client.workflowService.getWorkflowExecutionHistoryReverse({
    namespace: client.options.namespace,
    execution: { workflowId, runId },
    maximumPageSize: count,
  });
  return history?.events ?? [];
}
