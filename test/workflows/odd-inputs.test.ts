/** Inputs of workflows and results of activities as other programs may give them. */
import { randomUUID } from 'node:crypto';
import type { WorkflowFailedError } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time';
import { defaultPayloadConverter, type ApplicationFailure, type Payload } from '@temporalio/common';
import type { LandActivities } from '../../activities/landing';
import type { CaptureStatus, LandStatus } from '../../domain/status';
import { eventually } from '../helpers/pipeline';
import { withWorker } from '../helpers/worker';
import { namespace, client, landing, beside, encoded, json } from './odd-payloads';

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
