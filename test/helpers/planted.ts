/** Customers' data that nobody overlooks, where it may go astray, and what others than its owners get to see of a pipeline. */
import type { Client } from '@temporalio/client';
import { Kafka, logLevel, Partitioners } from 'kafkajs';
import type { Workers } from '../../dev/workers';
import { ORDERS_TABLE, servers, type FreshPipeline } from './pipeline';
import { ordersCli } from './processes';

/** In every text of every planted order; a figure of theirs is in no other. */
export const CUSTOMER = 'Zarathustra-7391';
export const AMOUNT = '73917391.73';

const long = `${CUSTOMER} `.repeat(80_000);

/** Orders that land, that break each rule, and that are too large for a message; then messages that are no orders. Returns what is to become of them. */
export async function plant(
  { pool, settings }: FreshPipeline,
  brokers: string,
): Promise<{ landing: number; quarantined: number }> {
  const order = (column: string, value: unknown) => {
    const all: Record<string, unknown> = {
      customer_name: `${CUSTOMER} customer`,
      restaurant_name: `${CUSTOMER} restaurant`,
      item: `${CUSTOMER} item`,
      amount: AMOUNT,
      order_status: `${CUSTOMER} status`,
    };
    return Object.values({ ...all, [column]: value });
  };
  const orders = [
    order('amount', AMOUNT),
    order('amount', `-${AMOUNT}`),
    ...['customer_name', 'restaurant_name', 'item', 'order_status'].map((column) => order(column, ' ')),
  ];
  for (const values of orders)
    await pool.query(
      `INSERT INTO ${ORDERS_TABLE} (customer_name, restaurant_name, item, amount, order_status) VALUES ($1, $2, $3, $4, $5)`,
      values,
    );
  await pool.query(
    `ALTER TABLE ${ORDERS_TABLE} ALTER item TYPE text;
     INSERT INTO ${ORDERS_TABLE} (customer_name, restaurant_name, item, amount, order_status)
     VALUES ('${CUSTOMER}', '${CUSTOMER}', '${long}', ${AMOUNT}, '${CUSTOMER}')`,
  );
  const text = `"customer_name":"${CUSTOMER}","item":"${CUSTOMER}","amount":${AMOUNT}`;
  const messages = [
    `{${text}`,
    `{${text}} ${CUSTOMER}`,
    `${CUSTOMER}`,
    `"${CUSTOMER}"`,
    `{${text},"order_id":"${CUSTOMER}","created_at":"${CUSTOMER}"}`,
    `{${text},"order_id":1e999,"created_at":"2025-11-18T10:00:00Z"}`,
    `{${text},"order_id":7391,"order_status":{"a":"${CUSTOMER}"},"created_at":"2025-11-18T10:00:00Z"}`,
    Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(CUSTOMER)]),
    '['.repeat(10_000) + CUSTOMER,
  ];
  const kafka = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING });
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
  await producer.send({
    topic: settings.kafka.topic,
    messages: messages.map((value) => ({ key: CUSTOMER, value, headers: { from: CUSTOMER } })),
  });
  await producer.disconnect();
  // All but the first.
  return { landing: 1, quarantined: orders.length + messages.length };
}

/** What a haystack is made of: who may read it, and its text. Whoever adds an exporter adds what it sends. */
export type Haystack = Record<string, string>;

/**
 * All that is to be read without a right to the data: histories and all else that Temporal has of the workflows, the log, the metrics, and
 * what commands print. `quarantine show` is left out, which is there to show a row.
 */
export async function haystackOf(
  pipeline: FreshPipeline,
  client: Client,
  workers: Workers,
): Promise<Haystack> {
  const hay: Haystack = { 'the log': workers.log() };
  for (const [queue, address] of workers.endpoints)
    hay[`metrics of ${queue}`] = await (await fetch(`${address}/metrics`)).text();
  for await (const { workflowId, runId } of client.workflow.list()) {
    const handle = client.workflow.getHandle(workflowId, runId);
    hay[`history of ${workflowId} ${runId}`] = decoded(readable(await handle.fetchHistory()));
    hay[`description of ${workflowId} ${runId}`] = decoded(readable((await handle.describe()).raw));
    for (const query of ['status', '__temporal_workflow_metadata', '__stack_trace'])
      hay[`${query} of ${workflowId} ${runId}`] = readable(
        await handle.query(query).catch((error: unknown) => String(error)),
      );
    hay[`page of ${workflowId} ${runId}`] = await page(client, workflowId, runId);
  }
  const commands = [
    ['doctor', '--json'],
    ['status'],
    ['status', '--json'],
    ['audit', '--json'],
    ['verify', '--json'],
    ['quarantine', 'list'],
  ];
  await Promise.all(
    commands.map(async (command) => (hay[`orders ${command.join(' ')}`] = await printed(pipeline, command))),
  );
  return hay;
}

/** Of a command, whatever its exit code. */
export async function printed(pipeline: Pick<FreshPipeline, 'env'>, command: string[]): Promise<string> {
  const { stdout, stderr } = (await ordersCli(pipeline, ...command).catch((error: unknown) => error)) as {
    stdout: string;
    stderr: string;
  };
  return `${stdout}\n${stderr}`;
}

/** What the Web UI's page of a workflow shows comes from here. */
async function page(client: Client, workflowId: string, runId: string): Promise<string> {
  const { namespace } = client.options;
  const path = `${servers().TEMPORAL_UI}/api/v1/namespaces/${namespace}/workflows/${workflowId}`;
  const answers = [`${path}?execution.runId=${runId}`, `${path}/history?execution.runId=${runId}`];
  return (await Promise.all(answers.map(async (url) => decoded(await (await fetch(url)).text())))).join('\n');
}

/** With bytes as text. */
function readable(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner === 'bigint') return String(inner);
    if (inner instanceof Uint8Array) return Buffer.from(inner).toString();
    // As Buffers have been by the time they are seen here.
    const { type, data } = (inner ?? {}) as { type?: unknown; data?: unknown };
    return type === 'Buffer' && Array.isArray(data) ? Buffer.from(data).toString() : inner;
  });
}

/** JSON of Temporal, which has payloads in base64, and their text beside it. */
const decoded = (text: string) =>
  text +
  [...text.matchAll(/"data": ?"([\w+/=-]+)"/g)]
    .map(([, data = '']) => Buffer.from(data, 'base64').toString())
    .join('\n');

/** Where something is found that should not be there, with what stands around it. */
export function findings(hay: Haystack, needles: Record<string, string>): string[] {
  return Object.entries(hay).flatMap(([place, text]) =>
    Object.entries(needles).flatMap(([name, needle]) => {
      const at = text.indexOf(needle);
      return at === -1 ? [] : [`${name} in ${place}: …${text.slice(Math.max(0, at - 200), at + 60)}`];
    }),
  );
}
