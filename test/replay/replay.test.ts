import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils';
import { Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { NO_METRICS } from '../../ports';
import { historySinks } from '../../workers/history';
import { quietRuntime, testBundle } from '../helpers/worker';

const HISTORIES = join(__dirname, 'histories');
const names = readdirSync(HISTORIES).filter((name) => name.endsWith('.json'));

const read = (name: string) =>
  JSON.parse(readFileSync(join(HISTORIES, name), 'utf8')) as { events: RecordedEvent[] };

interface RecordedEvent {
  eventType: string;
  workflowExecutionSignaledEventAttributes?: { signalName: string };
  activityTaskScheduledEventAttributes?: { activityType: { name: string } };
  activityTaskCompletedEventAttributes?: { result?: { payloads: { data: string }[] } };
}

beforeAll(quietRuntime);

test('there are histories of all workflows, and they hold the paths worth replaying', () => {
  const all = names.flatMap((name) => read(name).events.map(({ eventType }) => eventType));
  expect(new Set(names.map((name) => name.split('.')[0]))).toEqual(
    new Set(['captureOrders', 'landOrders', 'replayBatches', 'verifyPipeline']),
  );
  expect(all).toContain('EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW');
  expect(all).toContain('EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED');
  const asked = names.flatMap((name) =>
    read(name).events.map((event) => event.workflowExecutionSignaledEventAttributes?.signalName),
  );
  for (const signal of ['pause', 'resetWatermark', 'resetOffsets', 'replayBatch', 'replayed'])
    expect(asked).toContain(signal);
});

const sinks = historySinks(NO_METRICS);

test.each(names)('%s replays with the workflows of today', async (name) => {
  await Worker.runReplayHistory(
    { workflowBundle: await testBundle(), sinks },
    historyFromJSON(read(name)),
    'replayed',
  );
});

test.each(names.filter((name) => name.includes('.0.3.0.')))(
  '%s replays where results say in which trace they are, as those of workers that trace do',
  async (name) => {
    const traced = read(name);
    const results = traced.events.flatMap(
      ({ activityTaskCompletedEventAttributes: completed }) => completed?.result?.payloads ?? [],
    );
    for (const payload of results) {
      const result = JSON.parse(Buffer.from(payload.data, 'base64').toString()) as object;
      const changed = { ...result, traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` };
      payload.data = Buffer.from(JSON.stringify(changed)).toString('base64');
    }
    await Worker.runReplayHistory(
      { workflowBundle: await testBundle() },
      historyFromJSON(traced),
      'replayed',
    );
  },
);

test('a history that asks for other activities is refused, so the test above can fail', async () => {
  const name = names.find((candidate) => candidate.startsWith('captureOrders'))!;
  const changed = read(name);
  const scheduled = changed.events.filter(
    (event) => event.activityTaskScheduledEventAttributes !== undefined,
  );
  scheduled[1]!.activityTaskScheduledEventAttributes!.activityType.name = 'somethingElse';
  await expect(
    Worker.runReplayHistory(
      { workflowBundle: await testBundle(), sinks },
      historyFromJSON(changed),
      'replayed',
    ),
  ).rejects.toThrow(DeterminismViolationError);
});
