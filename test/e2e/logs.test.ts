/** What real workers log of a pipeline: one JSON object a line, each change once, no field of a row. */
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Workers } from '../../dev/workers';
import {
  ORDERS_TABLE,
  eventually,
  freshNamespace,
  freshPipeline,
  type FreshPipeline,
} from '../helpers/pipeline';
import { startWithTemporalCli, startWorkers, temporalCli } from '../helpers/processes';
import { eventsOf, linesOf } from '../helpers/told';

jest.setTimeout(120_000);

let pipeline: FreshPipeline;
let close: () => Promise<void>;
let workers: Workers;

const lines = () => linesOf(workers);
const events = (name: string) => eventsOf(workers, name);

beforeAll(async () => {
  pipeline = await freshPipeline();
  ({ close } = await freshNamespace(pipeline.name));
  workers = await startWorkers({ ...pipeline, env: { ...pipeline.env, LOG_LEVEL: 'info' } });
  await startWithTemporalCli(pipeline);
  await pipeline.pool.query(`
    INSERT INTO ${ORDERS_TABLE} (customer_name, restaurant_name, item, amount, order_status)
    SELECT 'Zaphod Beeblebrox', 'Milliways', 'Pan Galactic', i - 3, 'PLACED' FROM generate_series(1, 20) i`);
  await eventually(() => expect(events('batch_landed').length).toBeGreaterThan(0));
});
afterAll(async () => {
  await workers.kill();
  await close();
  await pipeline.dispose();
});

test('every line is an object with time, level, module and message, of one process', () => {
  for (const line of lines()) {
    expect(line).toMatchObject({
      time: expect.stringMatching(/Z$/) as string,
      level: expect.stringMatching(/^(info|warn|error)$/) as string,
      module: expect.stringMatching(/^(pipeline|worker|postgres|kafka|lake|temporal)$/) as string,
      message: expect.any(String) as string,
      pid: expect.any(Number) as number,
    });
  }
  expect(
    events('serving')
      .map(({ queue }) => queue)
      .sort(),
  ).toEqual(['capture', 'land']);
});

test('the way of the rows is told: opened, published, landed, each with its workflow, run and figures', () => {
  const ids = { workflowId: 'orders-land', runId: expect.any(String) as string, attempt: 1 };
  expect(events('capture_opened')).toMatchObject([{ queue: 'capture', sequence: 0 }]);
  expect(events('epoch_taken')).toMatchObject([{ ...ids, epoch: 1 }]);
  const sum = (name: string, field: string) =>
    events(name).reduce((total, line) => total + Number(line[field]), 0);
  expect(sum('window_published', 'rows')).toBe(20);
  expect(sum('batch_landed', 'landed')).toBe(17);
  expect(sum('batch_landed', 'quarantined')).toBe(3);
  expect(events('batch_landed')[0]).toMatchObject({ ...ids, sequence: 1, activityType: 'commitMicroBatch' });
});

test('an error that is retried is told when it begins and when it is over, with how long', async () => {
  renameSync(pipeline.lakePath, join(pipeline.directory, 'away'));
  await eventually(() => expect(events('retrying').length).toBe(1));
  await sleep(2_000);
  renameSync(join(pipeline.directory, 'away'), pipeline.lakePath);
  await eventually(() => expect(events('recovered').length).toBe(1));
  const [began, over] = [events('retrying')[0]!, events('recovered')[0]!];
  expect(began).toMatchObject({ level: 'warn', activityType: 'claimMicroBatch', attempt: 1 });
  expect(began['error']).toMatch(/lake is not there/);
  expect(over).toMatchObject({ level: 'info', activityType: 'claimMicroBatch', runId: began['runId'] });
  expect(Number(over['seconds'])).toBeGreaterThan(2);
});

test('what operators ask for is told, with what became of it', async () => {
  const update = (name: string, input: string) =>
    temporalCli(
      pipeline,
      ...[
        'workflow',
        'update',
        'execute',
        '--workflow-id',
        'orders-capture',
        '--name',
        name,
        '--input',
        input,
      ],
    );
  await update('pause', '{"reason":"maintenance"}');
  await update('resume', '{}');
  await eventually(() =>
    expect(events('request').map(({ request }) => request)).toEqual(['pause', 'resume']),
  );
  expect(events('request')[0]).toMatchObject({
    module: 'pipeline',
    workflowId: 'orders-capture',
    answer: 'done',
  });
});

test('no field of a row is in them', () => {
  expect(workers.log()).not.toMatch(/Zaphod|Milliways|Galactic/);
});
