/** How a trace is handed on: `traceparent`, records' headers, and what is shown of an activity that waits. */
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import { parseTraceparent, formatTraceparent } from '../../domain/trace-context';
import { decodeRecords, encodeHeaders, RecordBatchBuilder, sizeAlone } from '../../adapters/kafka/records';
import { runAsStep, runInScope, Scope } from '../../workers/tracing/scope';
import { interceptors } from '../../workflows/runtime/trace-context';
import { spanAttributes } from '../../activities/span-attributes';

const PLACE = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' };
const TRACEPARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

test('a traceparent is read as W3C writes it, where it is sampled', () => {
  expect(formatTraceparent(PLACE)).toBe(TRACEPARENT);
  expect(parseTraceparent(TRACEPARENT)).toEqual(PLACE);
  expect(parseTraceparent(TRACEPARENT.replace(/01$/, '03'))).toEqual(PLACE);
  expect(parseTraceparent(`cc${TRACEPARENT.slice(2)}-more`)).toEqual(PLACE);
  for (const other of [
    TRACEPARENT.replace(/01$/, '00'),
    `ff${TRACEPARENT.slice(2)}`,
    TRACEPARENT.replace(/4bf\w+/, '0'.repeat(32)),
    TRACEPARENT.toUpperCase(),
    ` ${TRACEPARENT}`,
    '',
    undefined,
    { traceId: 'x' },
  ])
    expect(parseTraceparent(other)).toBeUndefined();
});

const ORIGIN = { producerId: '7', producerEpoch: 1, baseSequence: 0 };
const HEADERS = encodeHeaders('traceparent', TRACEPARENT);

/** Two records, the first with headers. */
function written(headers: Buffer): Buffer {
  const builder = new RecordBatchBuilder(16);
  builder.append(Buffer.from('1'), Buffer.from('first'), headers);
  builder.append(null, Buffer.from('second'));
  expect(builder.bytes).toBeGreaterThan(sizeAlone(Buffer.from('1'), Buffer.from('first'), headers));
  return builder.finish(ORIGIN, 1);
}
const values = (batch: Buffer, from = 0n, joins = true) => {
  const { messages, traces } = decodeRecords(batch, 2, from, [], joins);
  return { values: messages.map(({ value }) => String(value)), traces: traces.map((one) => one.traceparent) };
};

test('the first record of a batch says its trace, also where reading begins behind it', () => {
  const batch = written(HEADERS);
  expect(values(batch)).toEqual({ values: ['first', 'second'], traces: [TRACEPARENT] });
  expect(values(batch, 1n)).toEqual({ values: ['second'], traces: [TRACEPARENT] });
  expect(values(batch, 0n, false)).toEqual({ values: ['first', 'second'], traces: [] });
});

test('headers of others, and such as nobody can read, change nothing of the records', () => {
  const others = [
    encodeHeaders('other', TRACEPARENT),
    encodeHeaders('traceparent', 'x'.repeat(100_000)),
    Buffer.from([2, 0]), // a header, cut off
    Buffer.from([0xfe, 0xff, 0xff, 0xff, 0x0f]), // 2^31 headers
    Buffer.from([2, 8, 1, 2]), // a name longer than the record
  ];
  for (const headers of others) {
    const read = values(written(headers));
    expect(read.values).toEqual(['first', 'second']);
    expect(read.traces.map(parseTraceparent)).toEqual(read.traces.map(() => undefined));
    for (const trace of read.traces) expect(trace.length).toBeLessThanOrEqual(200);
  }
});

test('of an activity that waits the last look is kept, with what it consists of', async () => {
  const scope = new Scope({ look: { name: 'horizon', at: 'begin' } });
  const call = (name: string, work = () => Promise.resolve()) =>
    runAsStep('postgres', name, work) as Promise<void>;
  await runInScope(scope, async () => {
    for (let look = 0; look < 300; look += 1) {
      await call('horizon');
      await call('nextWindow', () => call('query'));
    }
    runAsStep('postgres', 'inspected', () => 'at once');
  });
  expect(scope.steps.map(({ name, parent }) => [name, parent?.name]).sort()).toEqual([
    ['horizon', undefined],
    ['nextWindow', undefined],
    ['query', 'nextWindow'],
  ]);
  expect(scope.begin).toBe(scope.steps.find(({ name }) => name === 'horizon')?.begin);
  expect([scope.omitted, scope.steps.every(({ end, begin }) => end! >= begin)]).toEqual([0, true]);
});

test('a stream is a step from its first row to its last, and what there is too much of is counted', async () => {
  const scope = new Scope();
  async function* rows() {
    await Promise.resolve();
    yield 1;
    yield 2;
  }
  const read: unknown[] = [];
  await runInScope(scope, async () => {
    for await (const row of runAsStep('postgres', 'read', rows) as AsyncIterable<number>) read.push(row);
    const failing = runAsStep('kafka', 'commit', () => Promise.reject(new Error('away'))) as Promise<void>;
    await expect(failing).rejects.toThrow('away');
    for (let n = 0; n < 150; n += 1) await runAsStep('kafka', 'produce', () => Promise.resolve());
  });
  expect(read).toEqual([1, 2]);
  expect(scope.steps.slice(0, 3).map(({ name, failed }) => [name, failed])).toEqual([
    ['read', false],
    ['commit', true],
    ['produce', false],
  ]);
  expect([scope.steps.length, scope.omitted]).toEqual([100, 52]);
});

test('outside an activity that is traced a call is only made', async () => {
  expect(await (runAsStep('kafka', 'read', () => Promise.resolve(7)) as Promise<number>)).toBe(7);
});

test('a workflow hands a trace from a result to the next activity, and does not see it', async () => {
  const [{ scheduleActivity } = {}] = interceptors().outbound ?? [];
  /** Schedules an activity that answers so; gives its headers and what the workflow gets. */
  const run = async (activityType: string, answer: unknown) => {
    let headers: Record<string, Payload> = {};
    const input = { activityType, args: [], options: {}, headers: {}, seq: 1 };
    const result = await scheduleActivity!(input, (scheduled) => {
      ({ headers } = scheduled);
      return Promise.resolve(answer);
    });
    const [header] = Object.values(headers);
    return { result, header: header && defaultPayloadConverter.fromPayload<object>(header) };
  };
  const header = { traceparent: TRACEPARENT };
  const found = { rows: 3, traceparent: TRACEPARENT };
  expect(await run('poll', found)).toEqual({ result: { rows: 3 }, header: undefined });
  expect(await run('publish', found)).toEqual({ result: { rows: 3 }, header });
  expect(await run('advanceWatermark', {})).toEqual({ result: {}, header });
  expect(await run('renewProgress', {})).toEqual({ result: {}, header: undefined });
  await run('poll', found);
  await expect(
    scheduleActivity!({ activityType: 'publish', args: [], options: {}, headers: {}, seq: 2 }, () =>
      Promise.reject(new Error('conflict')),
    ),
  ).rejects.toThrow('conflict');
  expect(await run('openCapture', {})).toEqual({ result: {}, header });
  await run('poll', found);
  expect(await run('poll', { rows: 0 })).toEqual({ result: { rows: 0 }, header: undefined });
  expect(await run('poll', { traceparent: 'of nobody' })).toEqual({ result: {}, header: undefined });
  expect(await run('publish', undefined)).toEqual({ result: undefined, header: undefined });
});

test('a poll or claim that found nothing says nothing', () => {
  expect(spanAttributes('poll', {}, { rows: 0 })).toBeUndefined();
  expect(spanAttributes('claimMicroBatch', {}, { ranges: [], lagOffsets: 3 })).toBeUndefined();
});
