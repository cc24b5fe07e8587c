/** What a failed workflow advises, and how an operator carries it out. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { WorkflowFailedError } from '@temporalio/client';
import { WORKFLOWS } from '../../domain/names';
import { servers } from '../helpers/pipeline';
import type { Harness } from './harness';

/** The message with which a workflow stops. */
export async function failureOf(result: Promise<unknown>, type: string): Promise<string> {
  const error: unknown = await result.catch((failure: unknown) => failure);
  expect(error).toBeInstanceOf(WorkflowFailedError);
  const { cause } = (error as WorkflowFailedError).cause ?? {};
  expect(cause).toMatchObject({ type });
  return (cause as Error).message;
}

/** Started as ever, without a reset, a landing stops once more: nothing is skipped in silence. */
export async function expectStopsAgain({ client }: Harness, message: string): Promise<void> {
  const { id: workflowId, taskQueue } = WORKFLOWS.landOrders;
  const again = await client.workflow.start('landOrders', { workflowId, taskQueue });
  expect(await failureOf(again.result(), 'DataLoss')).toBe(message);
}

/** The commands in a message, as they stand there. */
export function commandsIn(message: string): string[] {
  return message.match(/temporal workflow [^']+'[^']*'/g) ?? [];
}

/** Runs a command as it stands in a message; the moment that only the operator knows is long ago. */
export async function asOperator({ pipeline }: Harness, command: string | undefined): Promise<void> {
  expect(command).toMatch(/^temporal workflow /);
  const line = command!.replace(/^temporal/, '"$TEMPORAL_CLI"').replace(/<.*>/, '2000-01-01T00:00:00Z');
  await promisify(execFile)('sh', ['-c', line], {
    env: { ...process.env, ...pipeline.env, TEMPORAL_CLI: servers().TEMPORAL_CLI },
  });
}
