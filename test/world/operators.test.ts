/** What operators and their tools do to running workflows: the pipeline goes on, or says what ended it and how to go on. */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Worker } from '@temporalio/worker';
import type { PipelineStatus } from '../../cli/status';
import { WORKFLOWS, type WorkflowType } from '../../domain/names';
import { insertOrders } from '../../dev/torture/orders';
import { asOperator, commandsIn } from '../faults/as-operator';
import type { Rig } from '../faults/rig';
import { sideBySide, type Lane } from '../faults/side-by-side';
import { eventually, servers } from '../helpers/pipeline';
import { ordersCli, temporalCli } from '../helpers/processes';
import { quietRuntime } from '../helpers/worker';
import { at, type Moment } from './harness';
import { violations } from '../../dev/oracle';

const CAPTURE = WORKFLOWS.captureOrders.id;
const LAND = WORKFLOWS.landOrders.id;

interface Printed {
  code: number;
  stdout: string;
  stderr: string;
}

const orders = ({ pipeline }: Rig, ...args: string[]): Promise<Printed> =>
  ordersCli(pipeline, ...args).then(
    (printed) => ({ code: 0, ...printed }),
    (error: unknown) => error as Printed,
  );

/** `npm run orders -- …` as it stands in a text, run by a shell. */
async function runOrders({ pipeline }: Rig, text: string): Promise<void> {
  const [command] = /npm run orders -- [a-z-]+( --only [a-z]+)?/.exec(text) ?? [];
  expect(command).toBeDefined();
  await promisify(execFile)('sh', ['-c', command!], {
    cwd: join(__dirname, '../..'),
    env: { ...process.env, ...pipeline.env },
  });
}

/** Rows of before and after are in the lake once, and both workflows run. */
async function flows(rig: Rig): Promise<void> {
  await insertOrders(rig.pipeline.pool, 20);
  expect(await violations(rig)).toEqual([]);
  expect(await orders(rig, 'status')).toMatchObject({ code: 0 });
}

/** Ends a workflow at a moment, reads in `status` what ended it, and starts it again with the command that stands there. */
function ended(type: WorkflowType, moment: Moment, end: (rig: Rig) => Promise<unknown>, says: RegExp) {
  return async (rig: Rig) => {
    const { id } = WORKFLOWS[type];
    await at(moment, rig, () => end(rig));
    await eventually(async () => {
      const { status } = await rig.client.workflow.getHandle(id).describe();
      expect(status.name).not.toBe('RUNNING');
    }, 30_000);
    const told = await orders(rig, 'status');
    expect(told.code).toBe(1);
    expect(told.stdout).toMatch(says);
    expect(told.stdout).not.toMatch(new RegExp(`^${id}: (polling|claiming)`, 'm'));
    expect((await orders(rig, 'doctor')).stdout).toMatch(says);
    const json = JSON.parse((await orders(rig, 'status', '--json')).stdout) as PipelineStatus;
    expect(json.ended.map(({ workflowId }) => workflowId)).toEqual([id]);
    await runOrders(rig, told.stdout);
    await flows(rig);
  };
}

const temporal =
  (...args: string[]) =>
  (rig: Rig) =>
    temporalCli(rig.pipeline, 'workflow', ...args);

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
    async (rig) => {
      const { raw } = await rig.client.workflow.getHandle(CAPTURE).describe();
      const [activity] = raw.pendingActivities ?? [];
      return temporalCli(
        rig.pipeline,
        ...['activity', 'fail', '--workflow-id', CAPTURE, '--activity-id', activity!.activityId!],
        ...['--reason', 'an operator gave up'],
      );
    },
    /orders-capture: failed at 20\S+Z: .*an operator gave up/,
  ),
};

const odd: Lane = {
  'odd signals come between poll and publish, and between claim and land': async (rig) => {
    for (const moment of ['between poll and publish', 'between claim and land'] as const)
      await at(moment, rig, () => oddSignals(rig));
    await flows(rig);
    const told = (await orders(rig, 'status')).stdout;
    expect(told).toMatch(/signal .+ was refused at .*does not understand it/);
  },
  'both workflows are reset to their beginning': async (rig) => {
    await resetBoth(rig, 'FirstWorkflowTask');
    await flows(rig);
  },
  'both workflows are reset to the beginning of a run that continues another, twice': async (rig) => {
    for (let round = 1; round <= 2; round++) {
      const earlier = await runs(rig);
      // Their state is behind what they have done since, which the rows of the next batches do not fit.
      await eventually(async () => {
        await insertOrders(rig.pipeline.pool, 5);
        const now = await runs(rig);
        expect(now.every((run, index) => run > earlier[index]!)).toBe(true);
      }, 60_000);
      await flows(rig);
      await resetBoth(rig, 'FirstWorkflowTask');
      await flows(rig);
    }
  },
  'both workflows are reset to their last task': async (rig) => {
    await resetBoth(rig, 'LastWorkflowTask');
    await flows(rig);
  },
  'it is paused and forgotten: the doctor says since when, and how to go on': async (rig) => {
    await orders(rig, 'pause', '--reason', 'x'.repeat(100_000));
    const { stdout } = await orders(rig, 'doctor');
    expect(stdout.length).toBeLessThan(20_000);
    for (const id of ['capture', 'land']) {
      const [line] =
        new RegExp(`orders-${id} is paused since [^]*?npm run orders -- resume --only ${id}`).exec(stdout) ??
        [];
      await runOrders(rig, line ?? '');
    }
    await flows(rig);
  },
  'a second capture is started under another id, and by a schedule': async (rig) => {
    const second = `${CAPTURE}-2`;
    await temporalCli(
      rig.pipeline,
      ...['workflow', 'start', '--type', 'captureOrders', '--task-queue', CAPTURE, '--workflow-id', second],
    );
    await rig.client.schedule.create({
      scheduleId: 'nightly-capture',
      spec: { intervals: [{ every: '1 day' }] },
      action: { type: 'startWorkflow', workflowType: 'captureOrders', taskQueue: CAPTURE },
    });
    await eventually(async () => {
      const { stdout } = await orders(rig, 'doctor');
      expect(stdout).toMatch(/orders-capture-2 runs as well/);
      expect(stdout).toMatch(/schedule nightly-capture starts it/);
    }, 20_000);
    const { stdout } = await orders(rig, 'doctor');
    const [terminate] = commandsIn(stdout).filter((command) => command.includes(second));
    await asOperator(rig, terminate);
    const [drop = ''] = /temporal schedule delete --schedule-id \S+/.exec(stdout) ?? [];
    await temporalCli(rig.pipeline, ...drop.split(' ').slice(1));
    await rig.client.workflow.getHandle(CAPTURE).terminate('it may have lost the pipeline');
    await runOrders(rig, (await orders(rig, 'status')).stdout);
    await flows(rig);
  },
};

/** By the command that Temporal's own documentation gives. */
async function resetBoth({ pipeline }: Rig, type: string): Promise<void> {
  for (const id of [CAPTURE, LAND])
    await temporalCli(
      pipeline,
      ...['workflow', 'reset', '--workflow-id', id, '--type', type, '--reason', 'test'],
    );
}

/** How many runs of capture and of landing there were. */
function runs({ client }: Rig): Promise<number[]> {
  return Promise.all(
    [CAPTURE, LAND].map(async (id) => {
      const status = await client.workflow.getHandle(id).query<{ runs: number }>('status');
      return status.runs;
    }),
  );
}

async function oddSignals({ client, pipeline }: Rig): Promise<void> {
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
  'workers with another version of the workflows: its task fails for ever, and that is told': async (rig) => {
    await insertOrders(rig.pipeline.pool, 20);
    expect(await violations(rig)).toEqual([]);
    await rig.workers.kill();
    await withBrokenWorkflows(rig, async () => {
      await insertOrders(rig.pipeline.pool, 20);
      await rig.client.workflow.getHandle(CAPTURE).signal('resume');
      await eventually(async () => {
        const told = await orders(rig, 'status');
        expect(told.stdout).toMatch(
          /task of orders-capture fails again and again \(attempt \d+\).*another version/,
        );
        expect(told.code).toBe(1);
      }, 60_000);
      const { stdout, code } = await orders(rig, 'doctor');
      expect(stdout).toMatch(
        /captureOrders +BROKEN +.*fails again and again[^]*?to do: .*run the version before/,
      );
      expect(code).toBe(1);
    });
    const advice = (await orders(rig, 'status')).stdout;
    const [terminate] = commandsIn(advice).filter((command) => command.includes(CAPTURE));
    await asOperator(rig, terminate);
    rig.workers = await rig.moreWorkers();
    await runOrders(rig, advice);
    await flows(rig);
  },
};

const searched: Lane = {
  'search attributes are removed while it runs: setup mends it': async (rig) => {
    const attributes = (...args: string[]) =>
      temporalCli(rig.pipeline, 'operator', 'search-attribute', ...args);
    await orders(rig, 'setup');
    // Workers ask a namespace again after a minute.
    await rig.workers.kill();
    rig.workers = await rig.moreWorkers();
    await eventually(async () => {
      await insertOrders(rig.pipeline.pool, 1);
      const { raw } = await rig.client.workflow.getHandle(CAPTURE).describe();
      expect(JSON.stringify(raw.workflowExecutionInfo?.searchAttributes ?? {})).toContain('OrdersPipeline');
    }, 90_000);
    await attributes('remove', '--name', 'OrdersLagSeconds', '--name', 'OrdersLastBatch', '--yes');
    const session = await rig.pipeline.pool.connect();
    try {
      // Figures that merely move are told every 10 s at most.
      await sleep(10_000);
      // It is held back, so that there is a lag to tell.
      await session.query('BEGIN; LOCK TABLE "2025em1100102_orders" IN ROW EXCLUSIVE MODE');
      await eventually(async () => {
        const told = await orders(rig, 'status');
        expect(told.stdout).toMatch(/task of orders-capture fails again and again.*npm run orders -- setup/);
      }, 60_000);
    } finally {
      await session.query('ROLLBACK');
      session.release();
    }
    await runOrders(rig, (await orders(rig, 'status')).stdout);
    await flows(rig);
  },
};

/** Runs `work` while the capture queue is served by a worker whose workflows are not ours. */
async function withBrokenWorkflows({ pipeline }: Rig, work: () => Promise<void>): Promise<void> {
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
