/** What the lake's suite looks at and does, as operators would: messages, their commands, files and the ledger. */
import { execFile } from 'node:child_process';
import fs from 'node:fs/promises';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { WORKFLOWS } from '../../domain/names';
import type { LandStatus } from '../../domain/status';
import { insertOrders } from '../../dev/orders/insert-orders';
import type { Harness } from '../faults/harness';
import { eventually, servers } from '../helpers/pipeline';
import { orders, violations } from '../../dev/oracle';

const ROOT = join(__dirname, '../..');
export const ROWS = 60;

/** Some orders more, all of which are where they belong. */
export async function landed(harness: Harness): Promise<void> {
  await insertOrders(harness.pipeline.pool, ROWS);
  expect(await violations(harness)).toEqual([]);
}

export async function expectWhole(harness: Harness): Promise<void> {
  expect(await violations(harness)).toEqual([]);
  await eventually(async () => {
    const { code, output } = await orders(harness, 'audit');
    expect({ code, output }).toMatchObject({ code: 0 });
  });
  await eventually(async () => expect((await statusOf(harness)).damaged ?? []).toEqual([]));
}

export async function rewind({ client }: Harness): Promise<void> {
  await client.workflow.getHandle(WORKFLOWS.landOrders.id).signal('resetOffsets', { offsets: 'earliest' });
}

/** New orders land, although a file is damaged: nothing but that file is missing. */
export async function landedBeside(harness: Harness, file: string): Promise<void> {
  const aside = `${file}.away`;
  const copy = await fs.readFile(file);
  await eventually(async () => expect((await statusOf(harness)).lagOffsets).toBe(0));
  await fs.rename(file, aside);
  try {
    expect(await violations(harness)).toEqual([]);
  } finally {
    await fs.rm(aside);
    await fs.writeFile(file, copy);
  }
}

export async function newestFile({ pipeline }: Harness): Promise<string> {
  const files = (await fs.readdir(pipeline.lakePath, { recursive: true })).filter((name) =>
    /^date=[^/]*\/part-\d{10}-[0-9a-f]+\.parquet$/.test(name),
  );
  const newest = files.sort((a, b) => (a.slice(a.indexOf('/')) < b.slice(b.indexOf('/')) ? -1 : 1)).at(-1);
  return join(pipeline.lakePath, newest!);
}

export async function newestEntry({ pipeline }: Harness): Promise<string> {
  const directory = join(pipeline.lakePath, '_ledger');
  const names = (await fs.readdir(directory)).filter((name) => /^\d+\.json$/.test(name)).sort();
  return join(directory, names.at(-1)!);
}

/** Lines of `orders status`, once there are as many. The program is a process of its own, so it is not run in vain. */
export async function statusSays(harness: Harness, line: RegExp, lines = 1): Promise<string[]> {
  await eventually(async () => {
    const handle = harness.client.workflow.getHandle(WORKFLOWS.landOrders.id);
    const { pendingActivities } = (await handle.describe()).raw;
    const failing = pendingActivities?.some(({ lastFailure }) => lastFailure != null) === true;
    if (!failing) expect(((await statusOf(harness)).damaged ?? []).length).toBeGreaterThanOrEqual(lines);
  }, 60_000);
  return eventually(async () => {
    const { output } = await orders(harness, 'status');
    const found = output.split('\n').filter((one) => line.test(one));
    if (found.length < lines) throw new Error(`status does not say ${String(line)}: ${output}`);
    return found;
  }, 60_000);
}

function statusOf({ client }: Harness): Promise<LandStatus> {
  return client.workflow.getHandle(WORKFLOWS.landOrders.id).query<LandStatus>('status');
}

/** The commands in a text, as they stand there and in their order. */
export function commandsIn(text: string): string[] {
  const command =
    /mv (?:'[^']*'|\S)+ (?:'[^']*'|\S)+|npm run orders -- [a-z-]+(?: --[a-z-]+(?: [\d,]+)?)*|temporal workflow signal-with-start [^']*'[^']*'|temporal workflow terminate --workflow-id \S+/g;
  return text.match(command) ?? [];
}

/** Runs the last command of a line, which is its remedy. */
export function processBatch(harness: Harness, line: string): Promise<{ code: number; output: string }> {
  const command = commandsIn(line).at(-1);
  expect(command).toBeDefined();
  return run(harness, command!);
}

export function run({ pipeline }: Harness, command: string): Promise<{ code: number; output: string }> {
  const env = { ...process.env, ...pipeline.env, TEMPORAL_CLI: servers().TEMPORAL_CLI };
  const line = command.replace(/^temporal/, '"$TEMPORAL_CLI"');
  return new Promise((resolve) => {
    execFile('sh', ['-c', line], { cwd: ROOT, env }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), output: `${stdout}${stderr}` }),
    );
  });
}

/** Type and message with which the landing has stopped, once it has. */
export function failure(harness: Harness): Promise<string> {
  return eventually(async () => {
    const message = await failureNow(harness);
    if (message === undefined) throw new Error('the landing has not stopped');
    return message;
  }, 60_000);
}

export async function failureNow({ client }: Harness): Promise<string | undefined> {
  const handle = client.workflow.getHandle(WORKFLOWS.landOrders.id);
  if ((await handle.describe()).status.name !== 'FAILED') return undefined;
  const error = (await handle.result().catch((thrown: unknown) => thrown)) as {
    cause: { cause: { type: string; message: string } };
  };
  const { type, message } = error.cause.cause;
  return `${type}: ${message}`;
}

export async function restartLanding({ client }: Harness): Promise<void> {
  const { id: workflowId, taskQueue } = WORKFLOWS.landOrders;
  await client.workflow.getHandle(workflowId).terminate('test');
  await client.workflow.start('landOrders', { workflowId, taskQueue });
}

/** All that the topic holds, as its retention does. */
export async function deleteMessages({ pipeline }: Harness): Promise<void> {
  const { topic } = pipeline.settings.kafka;
  const admin = new Kafka({
    brokers: servers().KAFKA_BROKERS.split(','),
    logLevel: logLevel.NOTHING,
  }).admin();
  await admin.connect();
  const offsets = await admin.fetchTopicOffsets(topic);
  await admin.deleteTopicRecords({
    topic,
    partitions: offsets.map(({ partition, high }) => ({ partition, offset: high })),
  });
  await admin.disconnect();
}

/** A lake as another pipeline has it: with an id of its own. */
export async function makeLake(path: string): Promise<void> {
  await fs.mkdir(join(path, '_ledger'), { recursive: true });
  await fs.writeFile(join(path, '_ledger/id'), '{"id": "that of another pipeline"}\n');
}
