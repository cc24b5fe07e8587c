/** What operators and their tools do to running workflows: the pipeline goes on, or says what ended it and how to go on. */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Worker } from '@temporalio/worker';
import type { PipelineStatus } from '../../cli/status';
import { WORKFLOWS, type WorkflowType } from '../../domain/names';
import { insertOrders } from '../../dev/orders/insert-orders';
import { asOperator, commandsIn } from '../faults/as-operator';
import type { Harness } from '../faults/harness';
import { sideBySide, type Lane } from '../faults/side-by-side';
import { eventually, servers } from '../helpers/pipeline';
import { ordersCli, temporalCli } from '../helpers/processes';
import { quietRuntime } from '../helpers/worker';
import { at, type Moment } from './cases';
import { violations } from '../../dev/oracle';

const CAPTURE = WORKFLOWS.captureOrders.id;
const LAND = WORKFLOWS.landOrders.id;

interface Printed {
  code: number;
  stdout: string;
  stderr: string;
}

const orders = ({ pipeline }: Harness, ...args: string[]): Promise<Printed> =>
  ordersCli(pipeline, ...args).then(
    (printed) => ({ code: 0, ...printed }),
    (error: unknown) => error as Printed,
  );

/** `npm run orders -- …` as it stands in a text, run by a shell. */
async function runOrders({ pipeline }: Harness, text: string): Promise<void> {
  const [command] = /npm run orders -- [a-z-]+( --only [a-z]+)?/.exec(text) ?? [];
  expect(command).toBeDefined();
  await promisify(execFile)('sh', ['-c', command!], {
    cwd: join(__dirname, '../..'),
    env: { ...process.env, ...pipeline.env },
  });
}

/** Rows of before and after are in the lake once, and both workflows run. */
async function flows(harness: Harness): Promise<void> {
  await insertOrders(harness.pipeline.pool, 20);
  expect(await violations(harness)).toEqual([]);
  expect(await orders(harness, 'status')).toMatchObject({ code: 0 });
}

/** Ends a workflow at a moment, reads in `status` what ended it, and starts it again with the command that stands there. */
function ended(
  type: WorkflowType,
  moment: Moment,
  end: (harness: Harness) => Promise<unknown>,
  says: RegExp,
) {
  return async (harness: Harness) => {
    const { id } = WORKFLOWS[type];
    await at(moment, harness, () => end(harness));
    await eventually(async () => {
      const { status } = await harness.client.workflow.getHandle(id).describe();
      expect(status.name).not.toBe('RUNNING');
    }, 30_000);
    const told = await orders(harness, 'status');
    expect(told.code).toBe(1);
    expect(told.stdout).toMatch(says);
    expect(told.stdout).not.toMatch(new RegExp(`^${id}: (polling|claiming)`, 'm'));
    expect((await orders(harness, 'doctor')).stdout).toMatch(says);
    const json = JSON.parse((await orders(harness, 'status', '--json')).stdout) as PipelineStatus;
    expect(json.ended.map(({ workflowId }) => workflowId)).toEqual([id]);
    await runOrders(harness, told.stdout);
    await flows(harness);
  };
}

const temporal =
  (...args: string[]) =>
  (harness: Harness) =>
    temporalCli(harness.pipeline, 'workflow', ...args);

const ends: Lane = {
  'capture is cancelled between poll and publish': ended(
    'captureOrders',
    'between poll and publish',
    temporal('cancel', '--workflow-id', CAPTURE),
    /orders-capture: cancelled at 20\S+Z by \S+/,
  ),
  'landing is terminated between claim and land': ended(
    'landOrders',
    'between claim and land',
    temporal('terminate', '--workflow-id', LAND, '--reason', 'out of the way'),
    /orders-land: terminated at 20\S+Z by \S+: out of the way/,
  ),
  'an activity of capture is failed by hand': ended(
    'captureOrders',
    'while idle',
    async (harness) => {
      const { raw } = await harness.client.workflow.getHandle(CAPTURE).describe();
      const [activity] = raw.pendingActivities ?? [];
      return temporalCli(
        harness.pipeline,
        ...['activity', 'fail', '--workflow-id', CAPTURE, '--activity-id', activity!.activityId!],
        ...['--reason', 'an operator gave up'],
      );
    },
    /orders-capture: failed at 20\S+Z: .*an operator gave up/,
  ),
};

const odd: Lane = {
  'odd signals come between poll and publish, and between claim and land': async (harness) => {
    for (const moment of ['between poll and publish', 'between claim and land'] as const)
      await at(moment, harness, () => oddSignals(harness));
    await flows(harness);
    const told = (await orders(harness, 'status')).stdout;
    expect(told).toMatch(/signal .+ was refused at .*does not understand it/);
  },
  'both workflows are reset to their beginning': async (harness) => {
    await resetBoth(harness, 'FirstWorkflowTask');
    await flows(harness);
  },
  'both workflows are reset to the beginning of a run that continues another, twice': async (harness) => {
    for (let round = 1; round <= 2; round++) {
      const earlier = await runs(harness);
      // Their state is behind what they have done since, which the rows of the next batches do not fit.
      await eventually(async () => {
        await insertOrders(harness.pipeline.pool, 5);
        const now = await runs(harness);
        expect(now.every((run, index) => run > earlier[index]!)).toBe(true);
      }, 60_000);
      await flows(harness);
      await resetBoth(harness, 'FirstWorkflowTask');
      await flows(harness);
    }
  },
  'both workflows are reset to their last task': async (harness) => {
    await resetBoth(harness, 'LastWorkflowTask');
    await flows(harness);
  },
  'it is paused and forgotten: the doctor says since when, and how to go on': async (harness) => {
    await orders(harness, 'pause', '--reason', 'x'.repeat(100_000));
    const { stdout } = await orders(harness, 'doctor');
    expect(stdout.length).toBeLessThan(20_000);
    for (const id of ['capture', 'land']) {
      const [line] =
        new RegExp(`orders-${id} is paused since [^]*?npm run orders -- resume --only ${id}`).exec(stdout) ??
        [];
      await runOrders(harness, line ?? '');
    }
    await flows(harness);
  },
  'a second capture is started under another id, and by a schedule': async (harness) => {
    const second = `${CAPTURE}-2`;
    await temporalCli(
      harness.pipeline,
      ...['workflow', 'start', '--type', 'captureOrders', '--task-queue', CAPTURE, '--workflow-id', second],
    );
    await harness.client.schedule.create({
      scheduleId: 'nightly-capture',
      spec: { intervals: [{ every: '1 day' }] },
      action: { type: 'startWorkflow', workflowType: 'captureOrders', taskQueue: CAPTURE },
    });
    await eventually(async () => {
      const { stdout } = await orders(harness, 'doctor');
      expect(stdout).toMatch(/orders-capture-2 runs as well/);
      expect(stdout).toMatch(/schedule nightly-capture starts it/);
    }, 20_000);
    const { stdout } = await orders(harness, 'doctor');
    const [terminate] = commandsIn(stdout).filter((command) => command.includes(second));
    await asOperator(harness, terminate);
    const [drop = ''] = /temporal schedule delete --schedule-id \S+/.exec(stdout) ?? [];
    await temporalCli(harness.pipeline, ...drop.split(' ').slice(1));
    await harness.client.workflow.getHandle(CAPTURE).terminate('it may have lost the pipeline');
    await runOrders(harness, (await orders(harness, 'status')).stdout);
    await flows(harness);
  },
};

/** By the command that Temporal's own documentation gives. */
async function resetBoth({ pipeline }: Harness, type: string): Promise<void> {
  for (const id of [CAPTURE, LAND])
    await temporalCli(
      pipeline,
      ...['workflow', 'reset', '--workflow-id', id, '--type', type, '--reason', 'test'],
    );
}

/** How many runs of capture and of landing there were. */
function runs({ client }: Harness): Promise<number[]> {
  return Promise.all(
    [CAPTURE, LAND].map(async (id) => {
      const status = await client.workflow.getHandle(id).query<{ runs: number }>('status');
      return status.runs;
    }),
  );
}

async function oddSignals({ client, pipeline }: Harness): Promise<void> {
  const bytes = (text: string) => Buffer.from(text);
  const payload = { metadata: { encoding: bytes('binary/encrypted') }, data: bytes('x') };
  for (const workflowId of [CAPTURE, LAND])
    for (const signalName of ['pause', 'nonsense', '__temporal_odd'])
      await client.workflowService.signalWorkflowExecution({
        namespace: pipeline.name,
        requestId: randomUUID(),
        workflowExecution: { workflowId },
        signalName,
        input: { payloads: [payload, payload] },
      });
}

const stuck: Lane = {
  'workers with another version of the workflows: its task fails indefinitely, and that is told': async (
    harness,
  ) => {
    await insertOrders(harness.pipeline.pool, 20);
    expect(await violations(harness)).toEqual([]);
    await harness.workers.kill();
    await withBrokenWorkflows(harness, async () => {
      await insertOrders(harness.pipeline.pool, 20);
      await harness.client.workflow.getHandle(CAPTURE).signal('resume');
      await eventually(async () => {
        const told = await orders(harness, 'status');
        expect(told.stdout).toMatch(
          /task of orders-capture fails again and again \(attempt \d+\).*another version/,
        );
        expect(told.code).toBe(1);
      }, 60_000);
      const { stdout, code } = await orders(harness, 'doctor');
      expect(stdout).toMatch(
        /captureOrders +BROKEN +.*fails again and again[^]*?to do: .*run the version before/,
      );
      expect(code).toBe(1);
    });
    const advice = (await orders(harness, 'status')).stdout;
    const [terminate] = commandsIn(advice).filter((command) => command.includes(CAPTURE));
    await asOperator(harness, terminate);
    harness.workers = await harness.moreWorkers();
    await runOrders(harness, advice);
    await flows(harness);
  },
};

const searched: Lane = {
  'search attributes are removed while it runs: setup mends it': async (harness) => {
    const attributes = (...args: string[]) =>
      temporalCli(harness.pipeline, 'operator', 'search-attribute', ...args);
    await orders(harness, 'setup');
    // Workers ask a namespace again after a minute.
    await harness.workers.kill();
    harness.workers = await harness.moreWorkers();
    await eventually(async () => {
      await insertOrders(harness.pipeline.pool, 1);
      const { raw } = await harness.client.workflow.getHandle(CAPTURE).describe();
      expect(JSON.stringify(raw.workflowExecutionInfo?.searchAttributes ?? {})).toContain('OrdersPipeline');
    }, 90_000);
    await attributes('remove', '--name', 'OrdersLagSeconds', '--name', 'OrdersLastBatch', '--yes');
    const session = await harness.pipeline.pool.connect();
    try {
      // Figures that merely move are told every 10 s at most.
      await sleep(10_000);
      // It is held back, so that there is a lag to tell.
      await session.query('BEGIN; LOCK TABLE "2025em1100102_orders" IN ROW EXCLUSIVE MODE');
      await eventually(async () => {
        const told = await orders(harness, 'status');
        expect(told.stdout).toMatch(/task of orders-capture fails again and again.*npm run orders -- setup/);
      }, 60_000);
    } finally {
      await session.query('ROLLBACK');
      session.release();
    }
    await runOrders(harness, (await orders(harness, 'status')).stdout);
    await flows(harness);
  },
};

/** Runs `work` while the capture queue is served by a worker whose workflows are not ours. */
async function withBrokenWorkflows({ pipeline }: Harness, work: () => Promise<void>): Promise<void> {
  quietRuntime();
  const connection = await NativeConnection.connect({ address: servers().TEMPORAL_ADDRESS });
  try {
    const worker = await Worker.create({
      connection,
      namespace: pipeline.name,
      taskQueue: WORKFLOWS.captureOrders.taskQueue,
      workflowBundle: await bundleWorkflowCode({
        workflowsPath: require.resolve('../helpers/broken-workflows'),
        logger: new DefaultLogger('ERROR'),
      }),
    });
    await worker.runUntil(work);
  } finally {
    await connection.close();
  }
}

sideBySide([ends, odd, stuck, searched], 400_000);
