/** What an operator does beside the pipeline, with the commands of docs/operations.md, on a real one. */
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { createOrdersTopic, topicOptions } from '../../adapters/kafka';
import { summary } from '../../adapters/lake/reading/reader';
import type { Finding } from '../../cli/doctor/finding';
import type { Workers } from '../../dev/workers';
import {
  ORDERS_TABLE,
  eventually,
  freshNamespace,
  freshPipeline,
  type FreshPipeline,
} from '../helpers/pipeline';
import { ordersCli, startWithTemporalCli, startWorkers, temporalCli } from '../helpers/processes';
import { SILENT } from '../helpers/telemetry';
import { storageAt } from '../helpers/lake';

jest.setTimeout(120_000);

let pipeline: FreshPipeline;
let close: () => Promise<void>;
let workers: Workers;

beforeAll(async () => {
  pipeline = await freshPipeline();
  ({ close } = await freshNamespace(pipeline.name));
  await pipeline.pool.query(`
    INSERT INTO ${ORDERS_TABLE} (customer_name, restaurant_name, item, amount, order_status, created_at)
    SELECT 'c' || i, 'r', 'i', i, 'PLACED', '2025-11-18'::timestamp + i * interval '10 minutes' FROM generate_series(1, 288) i`);
});
afterAll(async () => {
  await workers.kill();
  await close();
  await pipeline.dispose();
});

const temporal = (...args: string[]) => temporalCli(pipeline, ...args);
const startVerify = (id: string) =>
  temporal(
    ...['workflow', 'start', '--type', 'verifyPipeline', '--task-queue', 'orders-land', '--workflow-id', id],
  );

test('setup registers search attributes and the schedule, and may be repeated', async () => {
  const first = await ordersCli(pipeline, 'setup', '--verify-every', '1h');
  expect(first.stdout).toMatch(/registered OrdersPipeline, OrdersLagSeconds/);
  expect(first.stdout).toMatch(/schedule orders-verify: verifyPipeline every 60 min, made now/);
  const second = await ordersCli(pipeline, 'setup', '--verify-every', '30m');
  expect(second.stdout).toMatch(/all registered already/);
  expect(second.stdout).toMatch(/every 30 min, as it was or with this new interval/);
  await expect(ordersCli(pipeline, 'setup', '--verify-every', 'often')).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/--verify-every often: give a time/) as string,
  });
});

test('the doctor says what is broken and what to do, and start refuses it before it starts anything', async () => {
  const topic = createOrdersTopic(topicOptions(pipeline.settings.kafka, SILENT));
  await topic.ensure();
  await topic.close();
  const text = readFileSync(pipeline.env['ORDERS_CONFIG']!, 'utf8');
  const settings = parse(text) as Record<string, Record<string, unknown>>;
  Object.assign(settings['kafka']!, { num_partitions: 5 });
  Object.assign(settings['postgres']!, { table: 'nowhere' });
  Object.assign(settings['datalake']!, { path: join(pipeline.env['ORDERS_CONFIG']!, 'lake') });
  const broken = join(pipeline.directory, 'broken.yml');
  writeFileSync(broken, stringify(settings));
  const wrong = { ...pipeline, env: { ...pipeline.env, ORDERS_CONFIG: broken } };

  const failure: unknown = await ordersCli(wrong, 'doctor', '--json').catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: 1 });
  const { findings } = JSON.parse((failure as { stdout: string }).stdout) as { findings: Finding[] };
  const of = (grade: Finding['grade']) =>
    findings.filter((one) => one.grade === grade).map(({ server, about }) => `${server} ${about}`);
  expect(of('broken')).toEqual(
    expect.arrayContaining(['PostgreSQL table and rights', 'Kafka topic', 'lake directory']),
  );
  expect(of('warning')).toEqual(
    expect.arrayContaining([
      'Temporal queue orders-capture',
      'Temporal queue orders-land',
      'Temporal landOrders',
    ]),
  );
  expect(findings.every(({ grade, toDo }) => grade === 'fine' || (toDo ?? '') !== '')).toBe(true);

  await expect(ordersCli(wrong, 'start')).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/SchemaMismatch[^]*TopicMismatch/) as string,
  });
  expect(await temporal('workflow', 'list')).not.toContain('orders-');
});

test('the workflows are found with the Temporal CLI', async () => {
  workers = await startWorkers(pipeline);
  await startWithTemporalCli(pipeline);
  await eventually(async () => expect((await summary(storageAt(pipeline.lakePath))).rows).toBe(288), 60_000);
  const query = `OrdersPipeline = "${pipeline.settings.kafka.topic}" AND ExecutionStatus = "Running"`;
  const list = (and: string) => temporal('workflow', 'list', '--query', `${query} AND ${and}`);
  await eventually(async () => {
    const all = await list('OrdersLagSeconds < 60');
    expect(all).toContain('orders-capture');
    expect(all).toContain('orders-land');
  });
  expect(await list('OrdersParkedBatches = 0')).toContain('orders-land');
  expect(await list('OrdersLagSeconds > 60')).not.toContain('orders-');
});

test('the doctor finds a healthy pipeline fine, and who holds it back', async () => {
  const healthy = await ordersCli(pipeline, 'doctor');
  expect(healthy.stdout).toMatch(/Temporal +landOrders +fine +orders-land runs/);
  expect(healthy.stdout).toMatch(
    /Kafka +rights +fine +read, write and transactions allowed; window \d+ published/,
  );
  expect(healthy.stdout).not.toMatch(/WARNING|BROKEN/);
  const session = await pipeline.pool.connect();
  await session.query(
    `BEGIN; LOCK TABLE ${ORDERS_TABLE} IN ROW EXCLUSIVE MODE; PREPARE TRANSACTION '${pipeline.name}'`,
  );
  try {
    const held = await ordersCli(pipeline, 'doctor');
    expect(held.stdout).toMatch(
      /WARNING +capture is blocked by prepared transaction.*\n +to do: .*ROLLBACK PREPARED/,
    );
    await pipeline.pool.query(/ROLLBACK PREPARED [^;]*;/.exec(held.stdout)![0]);
    expect((await ordersCli(pipeline, 'doctor')).stdout).not.toMatch(/held back/);
  } finally {
    await session.query(`ROLLBACK PREPARED '${pipeline.name}'`).catch(() => undefined);
    session.release();
  }
});

test('the schedule compares, and a difference fails the workflow visibly', async () => {
  await temporal('schedule', 'trigger', '--schedule-id', 'orders-verify');
  await eventually(async () => {
    const list = await temporal('workflow', 'list', '--query', 'WorkflowType = "verifyPipeline"');
    expect(list).toMatch(/Completed\s+orders-verify-/);
  }, 30_000);

  const day = join(pipeline.lakePath, 'date=2025-11-18');
  for (const name of readdirSync(day)) rmSync(join(day, name));
  await startVerify('orders-verify-by-hand');
  const result = temporal('workflow', 'result', '--workflow-id', 'orders-verify-by-hand');
  await expect(result).rejects.toBeDefined();
  const shown = await temporal('workflow', 'show', '--workflow-id', 'orders-verify-by-hand', '-o', 'json');
  expect(shown).toContain('VerificationFailed');
  expect(shown).toMatch(/143 orders missing in lake and quarantine/);
});
