/** What becomes a figure of what activities were asked and answered. */
import { setTimeout as sleep } from 'node:timers/promises';
import { noopMetricMeter, type MetricMeter } from '@temporalio/common';
import { recordResult } from '../../activities/metrics';
import { systemOf } from '../../activities/system-of';
import { METRICS, type Metrics } from '../../ports';
import { historySinks } from '../../workers/history';
import { createMetrics } from '../../workers/metrics';
import { measured } from '../../workers/measured';

type Noted = [name: string, value: number, labels?: Record<string, string>];

function noting(): Metrics & { noted: Noted[] } {
  const noted: Noted[] = [];
  const note = (name: string, value: number, labels?: object) =>
    void noted.push(labels === undefined ? [name, value] : [name, value, labels as Record<string, string>]);
  return { noted, add: note, set: note, observe: note };
}

const record = (activity: string, input: object, result: object, seconds = 0.5): Noted[] => {
  const metrics = noting();
  recordResult(metrics, activity, { seconds, input, result });
  return metrics.noted;
};

const MANIFEST = {
  files: [{ path: 'a', rows: 2, bytes: 500, sha256: '' }],
  quarantineFiles: [{ path: 'b', rows: 1, bytes: 2_000_000, sha256: '' }],
  counts: { read: 4, landed: 2, duplicate: 1, quarantined: 1, failures: { amount_not_positive: 1 } },
  highWater: {},
};

test('a batch that landed counts rows, failures and files', () => {
  const noted = record('commitMicroBatch', { sequence: 7, manifest: MANIFEST, unlanded: [3] }, {});
  expect(noted).toEqual([
    ['orders_batches_total', 1, { outcome: 'landed' }],
    ['orders_failed_batches', 1],
    ['orders_ledger_sequence', 7],
    ['orders_files_total', 1, { directory: 'lake', size: 'small' }],
    ['orders_file_bytes_total', 500, { directory: 'lake' }],
    ['orders_files_total', 1, { directory: 'quarantine', size: 'large' }],
    ['orders_file_bytes_total', 2_000_000, { directory: 'quarantine' }],
    ['orders_rows_total', 4, { stage: 'read' }],
    ['orders_rows_total', 2, { stage: 'landed' }],
    ['orders_rows_total', 1, { stage: 'duplicate' }],
    ['orders_rows_total', 1, { stage: 'quarantined' }],
    ['orders_rule_failures_total', 1, { rule: 'amount_not_positive' }],
    ['orders_freshness_seconds', 0.5, { part: 'commit' }],
  ]);
});

test.each([
  ['failed', { parked: { type: 'BatchNotLandable', message: 'why' } }],
  ['replayed', { supersedes: 3 }],
  ['withdrawn', { supersedes: 3, withdrawn: {} }],
])('a batch that is %s counts no rows as landed once more', (outcome, kind) => {
  const noted = record('commitMicroBatch', { sequence: 7, manifest: MANIFEST, ...kind }, {});
  expect(noted[0]).toEqual(['orders_batches_total', 1, { outcome }]);
  expect(noted.filter(([name]) => name === 'orders_rows_total')).toEqual([]);
});

test('the age of the newest and of the oldest order is told once its batch is committed', () => {
  const ago = (seconds: number) => new Date(Date.now() - seconds * 1000).toISOString();
  const files = [300, 200].map((age) => ({
    ...MANIFEST.files[0],
    first: { createdAt: ago(age), orderId: '1' },
  }));
  const manifest = { ...MANIFEST, files, newestCreatedAt: ago(90) };
  const noted = record('commitMicroBatch', { sequence: 1, manifest }, {});
  for (const [part, seconds] of [
    ['total', 90],
    ['oldest', 300],
  ] as const) {
    const [, age] = noted.find(([, , labels]) => labels?.['part'] === part)!;
    expect(age).toBeGreaterThan(seconds - 1);
    expect(age).toBeLessThan(seconds + 30);
  }
});

describe('missed rows', () => {
  const missed = (backdated: number) => ({ backdated, examples: [], from: null });
  const idle = { rows: 0, more: false, clock: '2025-11-18T10:00:00.000000Z', heldBy: null };
  const look = (settled: number, found: number) => ({
    settled: missed(settled),
    watch: { baselines: [], lookedAt: idle.clock, found: missed(found) },
  });

  test('are counted when they are found, and not again when the next poll still knows them', () => {
    const first = look(0, 3);
    expect(record('poll', { watch: look(0, 0).watch }, { ...idle, behind: first })).toEqual([
      ['orders_missed_rows_total', 3],
    ]);
    expect(record('poll', { watch: first.watch }, { ...idle, behind: look(0, 3) })).toEqual([]);
    // The watch has let go of them, and found one more.
    expect(record('poll', { watch: first.watch }, { ...idle, behind: look(3, 1) })).toEqual([
      ['orders_missed_rows_total', 1],
    ]);
  });

  test('a poll without a look counts nothing', () => {
    expect(record('poll', { watch: look(0, 3).watch }, idle)).toEqual([]);
  });
});

test('a figure that the meter refuses counts as 0, and fails nothing', () => {
  const values: number[] = [];
  const taking = (value: number) => {
    if (!(value >= 0)) throw new Error(`refused ${value}`);
    values.push(value);
  };
  const meter = {
    ...noopMetricMeter,
    createGauge: (...args: Parameters<MetricMeter['createGauge']>) => ({
      ...noopMetricMeter.createGauge(...args),
      set: taking,
    }),
  } as MetricMeter;
  const metrics = createMetrics(meter);
  for (const value of [-62_135_596_800, NaN, Infinity, 2.5])
    metrics.set('orders_captured_through_timestamp_seconds', value);
  expect(values).toEqual([0, 0, 0, 2.5]);
});

test('each call that is waited for is timed with how it ended, and comes to its object as before', async () => {
  class Source {
    readonly #name = 'orders';
    readonly fine = () => Promise.resolve(this.#name);
    async fail(): Promise<void> {
      await Promise.resolve();
      throw new Error(this.#name);
    }
    plain(): string {
      return this.#name;
    }
  }
  const timed: string[] = [];
  const steps: string[] = [];
  const source = measured(new Source(), 'postgres', {
    observe(seconds, { operation, outcome }) {
      expect(seconds).toBeGreaterThanOrEqual(0);
      timed.push(`${operation} ${outcome}`);
    },
    step(name, call) {
      steps.push(name);
      return call();
    },
    perRow: ['plain'],
  });
  expect(await source.fine()).toBe('orders');
  await expect(source.fail()).rejects.toThrow('orders');
  expect(source.plain()).toBe('orders');
  expect(timed).toEqual(['fine ok', 'fail error']);
  expect(steps).toEqual(['fine', 'fail']);
});

const drained = async (rows: AsyncIterable<number>) => {
  for await (const row of rows) expect(row).toBeGreaterThan(0);
};

describe('a stream', () => {
  const PAUSE_MS = 30;
  const observed: [operation: string, outcome: string, seconds: number][] = [];
  beforeEach(() => void observed.splice(0));
  const source = measured(
    {
      async *read(fails: boolean) {
        for (const row of [1, 2]) {
          await sleep(PAUSE_MS);
          yield row;
        }
        if (fails) throw new Error('cut off');
      },
    },
    'postgres',
    { observe: (seconds, { operation, outcome }) => void observed.push([operation, outcome, seconds]) },
  );

  test('is timed by how long it was waited for, not by what its consumer does', async () => {
    const rows: number[] = [];
    for await (const row of source.read(false)) {
      rows.push(row);
      await sleep(10 * PAUSE_MS);
    }
    expect(rows).toEqual([1, 2]);
    expect(observed).toEqual([['read', 'ok', expect.any(Number)]]);
    expect(observed[0]![2]).toBeGreaterThan((1.5 * PAUSE_MS) / 1000);
    expect(observed[0]![2]).toBeLessThan((10 * PAUSE_MS) / 1000);
  });

  test('that breaks is told, one that is given up is not', async () => {
    await expect(drained(source.read(true))).rejects.toThrow('cut off');
    expect(observed).toEqual([['read', 'error', expect.any(Number)]]);
    for await (const row of source.read(true)) if (row === 1) break;
    expect(observed).toHaveLength(1);
  });
});

test('an error is counted for the system whose operation failed, also where another one passed it on', async () => {
  const silent = { observe: () => undefined };
  const source = measured(
    {
      async *read() {
        await Promise.reject(new Error('no connection'));
        yield 1;
      },
    },
    'postgres',
    silent,
  );
  const topic = measured(
    {
      async publish(rows: () => AsyncIterable<number>) {
        try {
          await drained(rows());
        } catch (cause) {
          throw new Error('publishing', { cause });
        }
      },
      closed: () => Promise.reject(new Error('closed')),
    },
    'kafka',
    silent,
  );
  const failed = async (work: Promise<unknown>) => systemOf(await work.catch((error: unknown) => error));
  expect(await failed(topic.publish(() => source.read()))).toBe('postgres');
  expect(await failed(topic.closed())).toBe('kafka');
  expect(systemOf(new Error('elsewhere', { cause: 'words' }))).toBe('other');
});

test('a comparison is told with its time, and not where nothing could be compared', () => {
  expect(record('compareOrders', {}, { notComparable: 'why' })).toEqual([]);
  for (const equal of [true, false])
    expect(record('compareOrders', {}, { result: { equal } })).toEqual([
      ['orders_verify_equal', equal ? 1 : 0],
      ['orders_verify_timestamp_seconds', expect.closeTo(Date.now() / 1000, -1)],
    ]);
});

test('of histories only those of workflows that do not end are told', () => {
  const metrics = noting();
  const { size } = historySinks(metrics).history;
  for (const workflowType of ['captureOrders', 'verifyPipeline', 'landOrders'])
    void size.fn({ workflowType } as Parameters<typeof size.fn>[0], 12, 3_400);
  expect(metrics.noted).toEqual([
    ['orders_history_events', 12, { workflow: 'capture' }],
    ['orders_history_bytes', 3_400, { workflow: 'capture' }],
    ['orders_history_events', 12, { workflow: 'land' }],
    ['orders_history_bytes', 3_400, { workflow: 'land' }],
  ]);
});

test('names carry their units, and labels are told', () => {
  for (const [name, about] of Object.entries(METRICS)) {
    expect(name).toMatch(/^orders_[a-z0-9_]+$/);
    expect([name, name.endsWith('_total')]).toEqual([name, about.kind === 'counter']);
    expect(about.help).toMatch(/\.$/);
    if (about.kind === 'histogram') {
      expect(name).toMatch(/_(seconds|rows|bytes)$/);
      expect([...about.buckets].sort((a, b) => a - b)).toEqual([...about.buckets]);
    }
  }
});
