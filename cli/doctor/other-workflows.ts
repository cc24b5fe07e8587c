import type { Client } from '@temporalio/client';
import { WORKFLOWS, type WorkflowType } from '../../domain/names';
import type { Findings } from './finding';

/** Enough to see that something is wrong. */
const MOST = 20;

/**
 * Workflows of our types under other ids, and schedules that start ours: each start takes the pipeline away from the one
 * that runs, which then ends with CaptureConflict or LandingConflict.
 */
export async function examineOthers(findings: Findings, client: Client): Promise<void> {
  const types = Object.keys(WORKFLOWS) as WorkflowType[];
  const named = types.map((type) => `WorkflowType = "${type}"`).join(' OR ');
  let seen = 0;
  for await (const { type, workflowId } of client.workflow.list({
    query: `(${named}) AND ExecutionStatus = "Running"`,
  })) {
    if (workflowId === WORKFLOWS[type as WorkflowType].id) continue;
    if (++seen > MOST) break;
    findings.warning(
      type,
      `${workflowId} runs as well; one at a time owns a pipeline, and the other ends with a conflict`,
      `unless it has a pipeline of its own, run: temporal workflow terminate --workflow-id ${workflowId} --reason 'a second one'`,
    );
  }
  seen = 0;
  for await (const { scheduleId, action } of client.schedule.list()) {
    if (action?.type !== 'startWorkflow' || !types.includes(action.workflowType as WorkflowType)) continue;
    if (++seen > MOST) break;
    findings.warning(
      action.workflowType,
      `schedule ${scheduleId} starts it, under another id each time; it runs indefinitely once it is started`,
      `run: temporal schedule delete --schedule-id ${scheduleId}`,
    );
  }
}
