/**
 * Records what a release leaves behind, for the test that today's code goes on from there: lake, table, messages, progress
 * record, state file, settings and the workflows' state. From a worktree of the release, with its packages:
 *
 *     cp -r test/world/releases <worktree>/test/world/
 *     cd <worktree> && ORDERS_TEST_SERVERS=… npx tsx test/world/releases/record.ts out.json
 *
 * The servers are given as the tests have them, `limit.historyCount.suggestContinueAsNew` set to 60. It may import only what
 * every release has. A recorded file is never changed.
 */
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { Kafka, logLevel } from 'kafkajs';
import { startWorkers } from '../../../dev/workers';
import { freshNamespace, freshPipeline, type FreshPipeline } from '../../../dev/stack/fresh-pipeline';

const TABLE = '"2025em1100102_orders"';
const IDS = { capture: 'orders-capture', land: 'orders-land' } as const;

interface Message {
  partition: number;
  offset: string;
  key: string | null;
  value: string | null;
}

async function main(path: string): Promise<void> {
  const addresses = JSON.parse(process.env['ORDERS_TEST_SERVERS']!) as Parameters<typeof freshPipeline>[0];
  const pipeline = await freshPipeline(addresses);
  const { client, close } = await freshNamespace(addresses, pipeline.name);
  const workers = await startWorkers({ env: pipeline.env, logFile: join(pipeline.directory, 'worker.log') });
  await client.workflow.start('captureOrders', { workflowId: IDS.capture, taskQueue: 'orders-capture' });
  await client.workflow.start('landOrders', { workflowId: IDS.land, taskQueue: 'orders-land' });
  const seen = await operate(pipeline, client);
  const [capture, land] = [await carriedOver(client, IDS.capture), await carriedOver(client, IDS.land)];
  await workers.stop();
  const { rows } = await pipeline.pool.query(
    `SELECT * , created_at::text AS created_at FROM ${TABLE} ORDER BY order_id`,
  );
  const { files, folders } = filesBelow(pipeline.directory);
  const settings = readFileSync(join(__dirname, '../../../configs/orders_stream.yml'), 'utf8');
  const progress = await progressOf(pipeline);
  const all = {
    name: pipeline.name,
    settings,
    rows,
    transactions: seen,
    progress,
    capture,
    land,
    folders,
    files,
  };
  writeFileSync(path, `${JSON.stringify(all, null, 1)}\n`);
  await close();
  await pipeline.dispose();
}

/** Batches on two days, one of them with bad rows, then both workflows are rewound. Each commit is one transaction in the topic. */
async function operate(pipeline: FreshPipeline, client: Client): Promise<Message[][]> {
  const transactions: Message[][] = [];
  let published = 0;
  for (const [index, day] of ['2025-11-18', '2025-11-18', '2025-11-19', '2025-11-19'].entries()) {
    await pipeline.pool.query(INSERT, [5, `${day} 10:0${index}:00`]);
    published += 5;
    transactions.push(await newMessages(pipeline, transactions.flat(), published));
  }
  const capture = client.workflow.getHandle(IDS.capture);
  await capture.signal('resetWatermark', { createdAt: '2025-11-19T00:00:00Z', reason: 'recorded' });
  published += 10;
  transactions.push(await newMessages(pipeline, transactions.flat(), published));
  const land = client.workflow.getHandle(IDS.land);
  await landed(client, published);
  await land.signal('resetOffsets', { offsets: 'earliest', reason: 'recorded' });
  await landed(client, published * 2);
  return transactions;
}

const INSERT = `
  INSERT INTO ${TABLE} (customer_name, restaurant_name, item, amount, order_status, created_at)
  SELECT CASE WHEN i % 5 = 0 THEN '' ELSE 'Zoë ' || i END, 'Café', 'Fish & "Chips"', i + 0.99, 'PLACED',
         $2::timestamp + i * interval '1.000001 s' FROM generate_series(1, $1::int) AS i`;

interface Landed {
  rows: { read: number };
  phase: string;
}

async function landed(client: Client, read: number): Promise<void> {
  const handle = client.workflow.getHandle(IDS.land);
  for (;;) {
    const status = await handle.query<Landed>('status');
    if (status.rows.read >= read && status.phase === 'claiming') return;
    await sleep(100);
  }
}

/** What came after those seen, once there are so many in all. */
async function newMessages(pipeline: FreshPipeline, before: Message[], total: number): Promise<Message[]> {
  for (;;) {
    const all = await readTopic(pipeline, total).catch(() => []); // it is not there at first
    const known = new Set(before.map(({ partition, offset }) => `${partition}:${offset}`));
    if (all.length === total)
      return all.filter(({ partition, offset }) => !known.has(`${partition}:${offset}`));
  }
}

async function readTopic({ settings, name }: FreshPipeline, most: number): Promise<Message[]> {
  const kafka = new Kafka({ brokers: settings.kafka.brokers, logLevel: logLevel.NOTHING });
  const consumer = kafka.consumer({ groupId: `${name}-${Date.now()}` });
  const messages: Message[] = [];
  await consumer.connect();
  await consumer.subscribe({ topic: settings.kafka.topic, fromBeginning: true });
  await consumer.run({
    eachMessage: ({ partition, message }) => {
      const { offset, key, value } = message;
      messages.push({ partition, offset, key: key?.toString() ?? null, value: value?.toString() ?? null });
      return Promise.resolve();
    },
  });
  for (let waited = 0; messages.length < most && waited < 60; waited++) await sleep(100);
  await consumer.disconnect();
  return messages.sort((a, b) => a.partition - b.partition || Number(a.offset) - Number(b.offset));
}

/** What the workflow gives the run after it, once it has done nothing else since it was given its own. */
async function carriedOver(client: Client, id: string): Promise<unknown> {
  const handle = client.workflow.getHandle(id);
  const begun = (await handle.describe()).runId;
  while ((await handle.describe()).runId === begun) {
    await handle.signal('pause', { reason: 'recorded' });
    await handle.signal('resume');
    await sleep(50);
  }
  const { events } = await handle.fetchHistory();
  const payload = events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0]?.data;
  return JSON.parse(Buffer.from(payload ?? []).toString());
}

async function progressOf({ settings }: FreshPipeline): Promise<{ offset: string; metadata: string }> {
  const kafka = new Kafka({ brokers: settings.kafka.brokers, logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  const [found] = await admin.fetchOffsets({
    groupId: 'orders-capture-progress',
    topics: [settings.kafka.topic],
  });
  await admin.disconnect();
  const { offset, metadata } = found!.partitions.find(({ partition }) => partition === 0)!;
  return { offset, metadata: metadata ?? '' };
}

/** Lake, quarantine and state; empty directories count, too. */
function filesBelow(root: string): { files: Record<string, string>; folders: string[] } {
  const files: Record<string, string> = {};
  const folders: string[] = [];
  for (const top of ['lake', 'lake_quarantine', 'state']) {
    if (!existsSync(join(root, top))) continue;
    folders.push(top);
    for (const name of readdirSync(join(root, top), { recursive: true, encoding: 'utf8' })) {
      const path = join(top, name);
      if (statSync(join(root, path)).isDirectory()) folders.push(path);
      else files[path] = readFileSync(join(root, path)).toString('base64');
    }
  }
  return { files, folders };
}

void main(process.argv[2] ?? 'release.json');
