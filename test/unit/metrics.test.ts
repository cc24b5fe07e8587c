/** What becomes a figure of what activities were asked and answered. */
import { noopMetricMeter, type MetricMeter } from '@temporalio/common';
import { recordResult } from '../../activities/metrics';
import { METRICS, type Metrics } from '../../ports';
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

test('the age of the newest order is told once its batch is committed', () => {
  const newestCreatedAt = new Date(Date.now() - 90_000).toISOString();
  const noted = record('commitMicroBatch', { sequence: 1, manifest: { ...MANIFEST, newestCreatedAt } }, {});
  const [, age] = noted.find(([, , labels]) => labels?.['part'] === 'total')!;
  expect(age).toBeGreaterThan(89);
  expect(age).toBeLessThan(120);
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
  const source = measured(new Source(), (seconds, { operation, outcome }) => {
    expect(seconds).toBeGreaterThanOrEqual(0);
    timed.push(`${operation} ${outcome}`);
  });
  expect(await source.fine()).toBe('orders');
  await expect(source.fail()).rejects.toThrow('orders');
  expect(source.plain()).toBe('orders');
  expect(timed).toEqual(['fine ok', 'fail error']);
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
