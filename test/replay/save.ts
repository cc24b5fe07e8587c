import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import type { StackAddresses } from '../../dev/stack';

const HISTORIES = join(__dirname, 'histories');

/** Saves every run that has done something, of every workflow of the client's namespace, as `<type>.<label>.<number>.json`. */
export async function saveHistories(client: Client, addresses: StackAddresses, label: string): Promise<void> {
  mkdirSync(HISTORIES, { recursive: true });
  const found = [];
  for await (const run of client.workflow.list()) found.push(run);
  found.sort((a, b) => a.startTime.getTime() - b.startTime.getTime());
  const numbers = new Map<string, number>();
  for (const { type, workflowId, runId } of found) {
    const number = (numbers.get(type) ?? 0) + 1;
    numbers.set(type, number);
    const path = join(HISTORIES, `${type}.${label}.${number}.json`);
    const args = ['workflow', 'show', '-o', 'json', '--workflow-id', workflowId, '--run-id', runId];
    const where = ['--address', addresses.TEMPORAL_ADDRESS, '--namespace', client.options.namespace];
    const history = execFileSync(addresses.TEMPORAL_CLI, [...args, ...where], { encoding: 'utf8' });
    // A replay of a run that was only just started never ends.
    if (!history.includes('EVENT_TYPE_WORKFLOW_TASK_COMPLETED')) continue;
    writeFileSync(path, anonymous(history));
    console.log(path);
  }
}

/** Without what tells of the machine it was recorded on, and does not matter to a replay. */
function anonymous(json: string): string {
  const history = JSON.parse(json, (key, value: unknown) =>
    key === 'stackTrace' || key === 'identity' || key === 'lastWorkerIdentity' ? '' : value,
  ) as object;
  return `${JSON.stringify(history, null, 1)}\n`;
}
