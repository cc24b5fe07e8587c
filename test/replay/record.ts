/**
 * Records histories for the replay test: `npm run record-histories -- <label>`, from released code only.
 * Runs a pipeline on servers of its own with real workers, kills Kafka and the workers on the way, lets both workflows continue
 * as new, and saves every run. A recorded file is never changed: new paths get new files.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { startWorkers } from '../../bench/workers';
import { WORKFLOWS, type WorkflowType } from '../../model/names';
import type { CaptureStatus, LandStatus } from '../../model/status';
import { destroy, kill, up, type StackAddresses } from '../../stack';
import { ORDERS_TABLE, freshNamespace, freshPipeline, type FreshPipeline } from '../../stack/fresh-pipeline';

const HISTORIES = join(__dirname, 'histories');

async function main(label: string): Promise<void> {
  const options = {
    home: mkdtempSync(join(tmpdir(), 'orders-stream-record-')),
    useEnvironment: false,
    temporalDynamicConfig: { 'limit.historyCount.suggestContinueAsNew': 60 },
  };
  try {
    const addresses = await up(options);
    const pipeline = await freshPipeline(addresses);
    const { client, close } = await freshNamespace(addresses, pipeline.name);
    const workers = await startWorkers(pipeline);
    for (const [type, { id, taskQueue }] of Object.entries(WORKFLOWS)) {
      await client.workflow.start(type, { workflowId: id, taskQueue });
    }
    for (let n = 1; n <= 6; n++) await insertAndWait(pipeline, client, n * 10);
    await kill('kafka', options);
    const waiting = insertAndWait(pipeline, client, 70);
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    await up(options);
    await waiting;
    await workers.stop();
    const again = await startWorkers(pipeline);
    await insertAndWait(pipeline, client, 80);
    await save(client, addresses, label);
    await again.stop();
    await close();
    await pipeline.dispose();
  } finally {
    await destroy(options);
  }
}

async function insertAndWait(pipeline: FreshPipeline, client: Client, total: number): Promise<void> {
  await pipeline.pool.query(
    `INSERT INTO ${ORDERS_TABLE} (customer_name, restaurant_name, item, amount, order_status)
     SELECT CASE WHEN i = 1 THEN '' ELSE 'Alice' END, 'Spice Garden', 'Butter Chicken', 350.00, 'PLACED' FROM generate_series(1, 10) i`,
  );
  for (;;) {
    const capture = await client.workflow.getHandle('orders-capture').query<CaptureStatus>('status');
    const land = await client.workflow.getHandle('orders-land').query<LandStatus>('status');
    if (capture.rows === total && land.rows.read === total) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function save(client: Client, addresses: StackAddresses, label: string): Promise<void> {
  mkdirSync(HISTORIES, { recursive: true });
  for (const type of Object.keys(WORKFLOWS) as WorkflowType[]) {
    let number = 0;
    const runs = client.workflow.list({ query: `WorkflowId = "${WORKFLOWS[type].id}"` });
    const found = [];
    for await (const run of runs) found.push(run);
    found.sort((a, b) => a.startTime.getTime() - b.startTime.getTime());
    for (const { workflowId, runId } of found) {
      const path = join(HISTORIES, `${type}.${label}.${++number}.json`);
      const args = ['workflow', 'show', '-o', 'json', '--workflow-id', workflowId, '--run-id', runId];
      const where = ['--address', addresses.TEMPORAL_ADDRESS, '--namespace', client.options.namespace];
      writeFileSync(
        path,
        anonymous(execFileSync(addresses.TEMPORAL_CLI, [...args, ...where], { encoding: 'utf8' })),
      );
      console.log(path);
    }
  }
}

/** Without what tells of the machine it was recorded on, and does not matter to a replay. */
function anonymous(json: string): string {
  const history = JSON.parse(json, (key, value: unknown) =>
    key === 'stackTrace' || key === 'identity' || key === 'lastWorkerIdentity' ? '' : value,
  ) as object;
  return `${JSON.stringify(history, null, 1)}\n`;
}

const [label] = process.argv.slice(2);
if (label === undefined || !/^[\w.-]+$/.test(label)) {
  console.error('usage: npm run record-histories -- <label>, such as 0.1.0');
  process.exit(2);
}
main(label).catch((error: Error) => {
  console.error(error);
  process.exit(1);
});
