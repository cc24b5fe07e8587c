/** Whatever somebody sends to a workflow, it goes on: what it cannot read or does not know is refused, and `status` says so. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowFailedError } from '@temporalio/client';
import { type Client } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time';
import { defaultPayloadConverter, type ApplicationFailure, type Payload } from '@temporalio/common';
import type { LandActivities } from '../../activities/landing';
import { REMEMBERED } from '../../domain/requests';
import type { CaptureStatus, LandStatus } from '../../domain/status';
import { eventually, freshNamespace } from '../helpers/pipeline';
import { withWorker } from '../helpers/worker';

const namespace = `odd-${process.pid}`;
let client: Client;
let close: () => Promise<void>;

beforeAll(async () => ({ client, close } = await freshNamespace(namespace)));
afterAll(() => close());

const unused = () => Promise.reject(new Error('not in this test'));
const offsets = { '0': '10' };
const landing: LandActivities = {
  openLanding: () =>
    Promise.resolve({
      epoch: 1,
      sequence: 0,
      next: offsets,
      reached: offsets,
      highWater: {},
      unlanded: [],
      startedFrom: 'earliest offsets' as const,
    }),
  claimMicroBatch: async () => {
    await sleep(500);
    return { ranges: [], lagOffsets: 0 };
  },
  resolveOffsets: ({ offsets: to }) => Promise.resolve(to === 'earliest' ? {} : { offsets: to }),
  landMicroBatch: unused,
  commitMicroBatch: unused,
  landAgain: unused,
  selectBatches: unused,
};
const watermark = { createdAt: '2025-11-18T10:00:00.000000Z', orderId: '1' };
const capturing = {
  openCapture: () => Promise.resolve({ sequence: 0, watermark, startedFrom: 'x', warnings: [] }),
  poll: async () => {
    await sleep(500);
    return { rows: 0, more: false, clock: watermark.createdAt, heldBy: null };
  },
};

/** Runs `work` beside a running workflow. */
async function beside<S>(
  type: 'captureOrders' | 'landOrders',
  work: (workflowId: string, status: () => Promise<S>) => Promise<void>,
): Promise<void> {
  const workflowId = `${type}-${randomUUID()}`;
  const activities = type === 'landOrders' ? landing : capturing;
  await withWorker({ namespace, taskQueue: workflowId, activities }, async () => {
    await client.workflow.start(type, { workflowId, taskQueue: workflowId });
    const handle = client.workflow.getHandle(workflowId);
    try {
      await work(workflowId, () => handle.query<S>('status'));
    } finally {
      await handle.terminate().catch(() => undefined);
    }
  });
}

const bytes = (text: string) => Buffer.from(text, 'utf8');
const encoded = (encoding: string, data: string): Payload => ({
  metadata: { encoding: bytes(encoding) },
  data: bytes(data),
});
const json = (data: string) => encoded('json/plain', data);

const signalRaw = (workflowId: string, signalName: string, payloads: Payload[]) =>
  client.workflowService.signalWorkflowExecution({
    namespace,
    workflowExecution: { workflowId },
    signalName,
    input: { payloads },
  });

/** Why the update was refused. */
async function updateRaw(workflowId: string, name: string, payloads: Payload[]): Promise<string | undefined> {
  const { outcome } = await client.workflowService.updateWorkflowExecution({
    namespace,
    workflowExecution: { workflowId },
    waitPolicy: { lifecycleStage: 3 },
    request: { meta: { updateId: randomUUID() }, input: { name, args: { payloads } } },
  });
  return outcome?.failure?.message ?? undefined;
}

const UNDECODABLE: [string, Payload][] = [
  ['an encoding that needs a key', encoded('binary/encrypted', 'x')],
  ['protobuf', encoded('json/protobuf', '{}')],
  ['broken JSON', json('{"createdAt": ')],
  ['no metadata', { data: bytes('{}') }],
  ['an empty payload', {}],
];

test('payloads that cannot be decoded are refused by name, by signal and by update, and a query minds none', async () => {
  await beside<CaptureStatus>('captureOrders', async (id, status) => {
    for (const name of ['pause', 'resume', 'resetWatermark'])
      for (const [, payload] of UNDECODABLE) await signalRaw(id, name, [payload]);
    await eventually(async () => {
      const { refusals, phase } = await status();
      expect(refusals).toHaveLength(15);
      expect(phase).toBe('polling');
      expect(refusals.map(({ signal }) => signal)).toEqual(
        ['pause', 'resume', 'resetWatermark'].flatMap((name) => Array<string>(5).fill(name)),
      );
      expect(refusals[0]!.problem).toMatch(/cannot be decoded .*binary\/encrypted.*json\/plain/);
      expect(refusals[3]!.problem).toMatch(/it has no encoding/);
    });
    for (const [, payload] of UNDECODABLE)
      expect(await updateRaw(id, 'resetWatermark', [payload])).toMatch(/cannot be decoded/);
    const query = { queryType: 'status', queryArgs: { payloads: UNDECODABLE.map(([, one]) => one) } };
    const { queryResult } = await client.workflowService.queryWorkflow({
      namespace,
      execution: { workflowId: id },
      query,
    });
    expect(queryResult?.payloads).toHaveLength(1);
    // It still does what it is asked.
    await client.workflow.getHandle(id).executeUpdate('pause', { args: [{ reason: 'still there' }] });
    expect(await status()).toMatchObject({ paused: { reason: 'still there' } });
  });
});

test('unknown and reserved names are refused and name the nearest; two payloads are refused', async () => {
  await beside<LandStatus>('landOrders', async (id, status) => {
    await eventually(async () => expect((await status()).phase).toBe('claiming'));
    await signalRaw(id, 'resetOfsets', [json('{"offsets":"earliest"}')]);
    await signalRaw(id, '__temporal_x', []);
    await signalRaw(
      id,
      'x'.repeat(900),
      UNDECODABLE.map(([, payload]) => payload),
    );
    await signalRaw(id, 'resetOffsets', [json('{"offsets":{"0":"1"}}'), json('{}')]);
    await signalRaw(id, 'replayBatch', [json('{"batch":"x"}')]);
    await signalRaw(id, 'replayBatch', [json('null')]);
    await eventually(async () => {
      const { refusals } = await status();
      const said = refusals.map(({ signal, problem }) => `${signal}: ${problem}`);
      expect(said).toEqual(
        expect.arrayContaining([
          expect.stringMatching(
            /^resetOfsets: .*understands pause, resume, resetOffsets; did you mean resetOffsets\?/,
          ),
          expect.stringMatching(/^\(reserved\) __temporal_x: /),
          expect.stringMatching(/^x{99}…: /),
          expect.stringMatching(/^resetOffsets: .*one payload, not 2/),
          expect.stringMatching(/^replayBatch: .*npm run orders -- replay/),
        ]),
      );
      expect(refusals).toHaveLength(6);
    });
    expect(await updateRaw(id, 'stop', [json('{}')])).toMatch(/does not understand it.*pause, resume/);
    expect(await updateRaw(id, '__temporal_y', [])).toMatch(/does not understand it/);
    expect((await status()).nextOffsets).toEqual(offsets);
  });
});

test('absurd payloads are cut or refused, and nothing of their size stays in the workflow', async () => {
  await beside<CaptureStatus>('captureOrders', async (id, status) => {
    const reason = `${'é'.repeat(900_000)}\u0000`;
    const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
    await signalRaw(id, 'pause', [json(JSON.stringify({ reason }))]);
    await signalRaw(id, 'pause', [json('{"reason":"half \\ud800 and NUL \\u0000"}')]);
    await eventually(async () =>
      expect((await status()).paused).toMatchObject({ reason: 'half \ufffd and NUL \ufffd' }),
    );
    await signalRaw(id, 'resume', []);
    for (const payload of [
      `{"createdAt":${JSON.stringify('9'.repeat(1_000_000))}}`,
      `{"createdAt":${deep}}`,
      deep,
      `{"${'k'.repeat(1_000_000)}":1}`,
      '{"__proto__":{"createdAt":"2025-11-18T00:00:00Z"}}',
      '{"createdat":"2025-11-18T00:00:00Z"}',
      '{"createdAt":"2025-11-18T00:00:00Z","orderId":9007199254740993}',
      '{"createdAt":"2025-11-18T00:00:00Z","orderId":"9999999999999999999"}',
      '{"createdAt":"2025-11-18T00:00:00Z","orderId":1e400}',
      '{"createdAt":"9999-12-31T23:59:59-14:00"}',
      '{"createdAt":"0001-01-01T00:00:00+14:00"}',
    ])
      await signalRaw(id, 'resetWatermark', [json(payload)]);
    await eventually(async () => {
      const now = await status();
      expect(now.refusals).toHaveLength(11);
      expect(now.resets).toEqual([]);
      expect(JSON.stringify(now).length).toBeLessThan(10_000);
      expect(now.refusals[5]!.problem).toMatch(/createdat is not a field.*did you mean createdAt\?/);
      expect(now.refusals[6]!.problem).toMatch(/must be text/);
    });
  });
  await beside<LandStatus>('landOrders', async (id, status) => {
    const many = Object.fromEntries(Array.from({ length: 100_000 }, (_, n) => [String(n), '1']));
    await signalRaw(id, 'resetOffsets', [json(JSON.stringify({ offsets: many }))]);
    await signalRaw(id, 'resetOffsets', [json('{"offsets":{"0":9007199254740993}}')]);
    await signalRaw(id, 'resetOffsets', [json(`{"offsets":{"0":"${'1'.repeat(100_000)}"}}`)]);
    await eventually(async () => expect((await status()).refusals).toHaveLength(3));
    expect(await status()).toMatchObject({ nextOffsets: offsets, resets: [] });
    expect(await updateRaw(id, 'resetOffsets', [json('{"offsets":{"0":9007199254740993}}')])).toMatch(
      /not exact/,
    );
  });
});

test('thousands of signals while it is paused: it continues as new in time, and the last ones are done', async () => {
  await beside<CaptureStatus>('captureOrders', async (id, status) => {
    await client.workflow.getHandle(id).signal('pause', { reason: 'first' });
    await eventually(async () => expect((await status()).phase).toBe('paused'));
    const LANES = 10;
    const lane = async (n: number) => {
      for (let i = 0; i < 100; i++)
        await client.workflow
          .getHandle(id)
          .signal(i % 2 === 0 ? 'nonsense' : 'pause', { reason: `${n}/${i}` });
    };
    await Promise.all(Array.from({ length: LANES }, (_, n) => lane(n)));
    await client.workflow.getHandle(id).signal('pause', { reason: 'last' });
    await eventually(async () => {
      const now = await status();
      expect(now.paused?.reason).toBe('last');
      expect(now.refusals).toHaveLength(REMEMBERED);
      expect(now.runs).toBeGreaterThan(1);
      expect(now.historyEvents).toBeLessThan(2_000);
    }, 30_000);
  });
});

test('only signals that nobody understands, while it is paused: history ends in time as well', async () => {
  await beside<LandStatus>('landOrders', async (id, status) => {
    const handle = client.workflow.getHandle(id);
    await handle.signal('pause');
    await eventually(async () => expect((await status()).phase).toBe('paused'));
    for (let i = 0; i < 150; i++) await handle.signal(`nonsense-${i}`);
    await eventually(async () => {
      const now = await status();
      expect(now.runs).toBeGreaterThan(1);
      expect(now.refusals.at(-1)?.signal).toBe('nonsense-149');
    });
  });
});

const INPUTS: [string, string, Payload[], RegExp][] = [
  [
    'captureOrders',
    'a misspelt key',
    [json('{"startFrm":{"createdAt":"2025-11-18"}}')],
    /startFrm .*did you mean startFrom\?/,
  ],
  ['captureOrders', 'another case', [json('{"startfrom":{}}')], /did you mean startFrom\?/],
  [
    'captureOrders',
    'a key within',
    [json('{"startFrom":{"created":"2025-11-18"}}')],
    /created is not a field/,
  ],
  [
    'captureOrders',
    'a number that is not exact',
    [json('{"startFrom":{"createdAt":"2025-11-18","orderId":9007199254740993}}')],
    /must be text/,
  ],
  ['captureOrders', 'text', [json('"2025-11-18"')], /must be a JSON object, not "2025-11-18"/],
  ['captureOrders', 'null', [json('null')], /not null/],
  ['captureOrders', 'a list', [json('[]')], /not a list of 0/],
  ['captureOrders', 'two arguments', [json('{}'), json('{}')], /not 2 arguments/],
  [
    'captureOrders',
    'a state by hand',
    [json('{"state":{"sequence":5}}')],
    /state\.watermark is undefined: only a run that continues/,
  ],
  ['captureOrders', 'startFrom null', [json('{"startFrom":null}')], /must be a JSON object, not null/],
  [
    'captureOrders',
    'an undecodable payload',
    [encoded('binary/encrypted', 'x')],
    /cannot be decoded .*binary\/encrypted/,
  ],
  ['landOrders', 'any field', [json('{"offsets":"earliest"}')], /offsets is not a field; allowed are/],
  ['landOrders', 'a state by hand', [json('{"state":{"sequence":1,"next":{"0":5}}}')], /state\.next/],
  ['landOrders', 'null', [json('null')], /not null/],
  ['replayBatches', 'null', [json('null')], /not null/],
  ['replayBatches', 'a misspelt key', [json('{"batch":"failed"}')], /did you mean batches\?/],
  ['replayBatches', 'broken JSON', [json('{')], /cannot be decoded/],
  [
    'verifyPipeline',
    'a misspelt key',
    [json('{"form":"2025-11-18"}')],
    /form is not a field.*did you mean from\?/,
  ],
  ['verifyPipeline', 'a number', [json('{"from":20251118}')], /from is 20251118, not a timestamp/],
  ['verifyPipeline', 'null', [json('null')], /not null/],
];

test('inputs that are wrong end each workflow at once, with what is wrong and what was meant', async () => {
  await withWorker({ namespace, taskQueue: 'inputs', activities: {} }, async () => {
    const failures = await Promise.all(
      INPUTS.map(async ([type, about, payloads]) => {
        const workflowId = `${type}: ${about}`;
        await client.workflowService.startWorkflowExecution({
          namespace,
          workflowId,
          requestId: randomUUID(),
          workflowType: { name: type },
          taskQueue: { name: 'inputs' },
          input: { payloads },
          workflowExecutionTimeout: msToTs('20 s'),
        });
        const failure: unknown = await client.workflow
          .getHandle(workflowId)
          .result()
          .catch((error: unknown) => error);
        const { cause } = failure as WorkflowFailedError;
        return `${type}, ${about}: ${(cause as ApplicationFailure).type}: ${cause?.message}`;
      }),
    );
    failures.forEach((failure, index) => {
      const [type, about, , words] = INPUTS[index]!;
      expect(failure).toMatch(
        new RegExp(`^${type}, ${about}: InvalidSettings: Input of ${type}: .*${words.source}`),
      );
    });
  });
});

test('no input, an empty object and nothing in the way of other languages start as ever', async () => {
  await withWorker({ namespace, taskQueue: 'plain', activities: landing }, async () => {
    const nothing = defaultPayloadConverter.toPayload(undefined);
    for (const [index, payloads] of [[], [json('{}')], [nothing]].entries()) {
      const workflowId = `plain-${index}`;
      await client.workflowService.startWorkflowExecution({
        namespace,
        workflowId,
        requestId: randomUUID(),
        workflowType: { name: 'landOrders' },
        taskQueue: { name: 'plain' },
        input: { payloads },
      });
      const handle = client.workflow.getHandle(workflowId);
      await eventually(async () => expect((await handle.query<LandStatus>('status')).phase).toBe('claiming'));
      await handle.terminate();
    }
  });
});

test('an error of many megabytes is retried like any other, and what is kept of it is short', async () => {
  const failures = [
    new Error(`quoted: ${'x'.repeat(6_000_000)} end`),
    new Error('why', { cause: 'y'.repeat(6_000_000) }),
  ];
  const activities: LandActivities = {
    ...landing,
    claimMicroBatch: () => {
      const failure = failures.shift();
      return failure === undefined ? landing.claimMicroBatch({ next: {} }) : Promise.reject(failure);
    },
  };
  await withWorker({ namespace, taskQueue: 'large', activities }, async () => {
    const handle = await client.workflow.start('landOrders', { workflowId: 'large', taskQueue: 'large' });
    await eventually(async () => {
      const { lastError } = await handle.query<LandStatus>('status');
      expect(lastError).toMatchObject({ activity: 'claimMicroBatch', attempts: 3, error: 'why' });
    });
    await handle.terminate();
  });
});

test('an activity that is completed by hand with garbage ends the workflow and says so; a new start goes on', async () => {
  await beside<CaptureStatus>('captureOrders', async (workflowId, status) => {
    for (const garbage of [json('null'), json('"done"'), encoded('binary/encrypted', 'x'), undefined]) {
      await eventually(async () => expect((await status()).phase).toBe('polling'));
      const handle = client.workflow.getHandle(workflowId);
      // A poll ends by itself before long, and then another one is there.
      await eventually(async () => {
        const { raw } = await handle.describe();
        await client.workflowService.respondActivityTaskCompletedById({
          namespace,
          workflowId,
          activityId: raw.pendingActivities?.[0]?.activityId ?? '',
          ...(garbage === undefined ? {} : { result: { payloads: [garbage] } }),
        });
      });
      const failure: unknown = await handle.result().catch((error: unknown) => error);
      expect((failure as WorkflowFailedError).cause).toMatchObject({
        type: 'ForeignResult',
        message: expect.stringMatching(/poll was completed by hand.*npm run orders -- start/) as string,
      });
      await client.workflow.start('captureOrders', { workflowId, taskQueue: workflowId });
    }
  });
});
