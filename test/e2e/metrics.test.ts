/** What monitoring reads of real workers: metrics, health, and what happens where they cannot be served. */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Client } from '@temporalio/client';
import type { Queue } from '../../domain/names';
import type { CaptureStatus, LandStatus } from '../../domain/status';
import { startCollector } from '../../dev/traces/collector';
import { launchWorkers, type Workers } from '../../dev/workers';
import { METRICS } from '../../ports';
import { freePort } from '../../workers/free-port';
import {
  ORDERS_TABLE,
  eventually,
  freshNamespace,
  freshPipeline,
  type FreshPipeline,
} from '../helpers/pipeline';
import { startWithTemporalCli, startWorkers } from '../helpers/processes';
import { parseMetrics, valueOf, type Family } from '../helpers/prometheus-text';
import { sentTo } from '../helpers/told';

jest.setTimeout(120_000);

let pipeline: FreshPipeline;
let client: Client;
let close: () => Promise<void>;
let workers: Workers;

/** Orders that no other text has. */
const CUSTOMER = 'Zaphod Beeblebrox';
const insert = (amount: string, rows: number) =>
  pipeline.pool.query(
    `INSERT INTO ${ORDERS_TABLE} (customer_name, restaurant_name, item, amount, order_status)
     SELECT '${CUSTOMER}', 'Milliways', 'Pan Galactic', ${amount}, 'PLACED' FROM generate_series(1, ${rows})`,
  );

const listening = (listen: string) => ({ ...pipeline, env: { ...pipeline.env, METRICS_LISTEN: listen } });
const get = async (queue: Queue, path: string, method = 'GET') => {
  const response = await fetch(`${workers.endpoints.get(queue)}${path}`, { method });
  return { status: response.status, text: await response.text() };
};
const scrape = async (queue: Queue) => parseMetrics((await get(queue, '/metrics')).text);

beforeAll(async () => {
  pipeline = await freshPipeline();
  ({ client, close } = await freshNamespace(pipeline.name));
  workers = await startWorkers(listening('127.0.0.1:0'));
  await startWithTemporalCli(pipeline);
});
afterAll(async () => {
  await workers.kill();
  await close();
  await pipeline.dispose();
});

test('rows are counted by what became of them, and freshness by where the time went', async () => {
  await insert('12.50', 40);
  await insert('-1', 3);
  await eventually(async () => {
    const landed = await scrape('land');
    const rows = (stage: string) => valueOf(landed, 'orders_rows_total', { stage });
    expect([rows('read'), rows('landed'), rows('quarantined')]).toEqual([43, 40, 3]);
    expect(valueOf(landed, 'orders_landing_lag_offsets')).toBe(0);
    expect(valueOf(await scrape('capture'), 'orders_rows_total', { stage: 'published' })).toBe(43);
  });
  const captured = await scrape('capture');
  const landed = await scrape('land');
  expect(valueOf(landed, 'orders_rule_failures_total', { rule: 'amount_not_positive' })).toBe(3);
  expect(valueOf(landed, 'orders_failed_batches')).toBe(0);
  const batches = valueOf(landed, 'orders_batches_total', { outcome: 'landed' });
  expect(valueOf(landed, 'orders_ledger_sequence')).toBe(batches);
  expect(valueOf(captured, 'orders_windows_total')).toBe(valueOf(captured, 'orders_window_rows_count'));

  // A row is some 200 bytes in a record batch; what is read has the transactions' markers, too.
  const bytes = valueOf(captured, 'orders_bytes_total', { stage: 'published' });
  expect(bytes).toBeGreaterThan(43 * 100);
  expect(bytes).toBeLessThan(43 * 400);
  const bytesRead = valueOf(landed, 'orders_bytes_total', { stage: 'read' });
  expect(bytesRead).toBeGreaterThan(bytes);
  expect(bytesRead).toBeLessThan(1.2 * bytes);

  const part = (from: Map<string, Family>, name: string, of: 'sum' | 'count') =>
    valueOf(from, `orders_freshness_seconds_${of}`, { part: name });
  for (const [from, name] of [
    [captured, 'wait'],
    [captured, 'publish'],
    [landed, 'claim'],
    [landed, 'land'],
    [landed, 'commit'],
  ] as const)
    expect(part(from, name, 'count')).toBeGreaterThan(0);
  const total = part(landed, 'total', 'sum') / part(landed, 'total', 'count');
  expect(total).toBeGreaterThan(0);
  expect(total).toBeLessThan(60);
});

test('each round trip to a broker is timed, and how long rows were waited for', async () => {
  // Some are answered when there is something new, and a window may be under way.
  await eventually(async () => {
    const [captured, landed] = [await scrape('capture'), await scrape('land')];
    const requests = (from: Map<string, Family>, api: string) =>
      valueOf(from, 'orders_kafka_request_seconds_count', { api, outcome: 'ok' });
    const windows = valueOf(captured, 'orders_windows_total');
    expect(requests(captured, 'EndTxn')).toBe(windows);
    for (const api of ['Produce', 'AddPartitionsToTxn']) expect(requests(captured, api)).toBeGreaterThan(0);
    for (const api of ['Fetch', 'FetchWait', 'ListOffsets', 'OffsetCommit'])
      expect(requests(landed, api)).toBeGreaterThan(0);
    const labels = { operation: 'read', outcome: 'ok' };
    expect(valueOf(captured, 'orders_postgres_seconds_count', labels)).toBe(windows);
  });
});

test('the size of histories and the room for the lake are told', async () => {
  const [captured, landed] = [await scrape('capture'), await scrape('land')];
  for (const [from, workflow] of [
    [captured, 'capture'],
    [landed, 'land'],
  ] as const) {
    // A run that has just begun has three.
    expect(valueOf(from, 'orders_history_events', { workflow })).toBeGreaterThan(2);
    expect(valueOf(from, 'orders_history_bytes', { workflow })).toBeGreaterThan(0);
  }
  const [free, size] = ['free', 'size'].map((what) => valueOf(landed, `orders_lake_${what}_bytes`));
  const disk = await statfs(pipeline.directory);
  expect(size).toBe(disk.blocks * disk.bsize);
  expect(free).toBeGreaterThan(0);
  expect(free).toBeLessThan(size!);
});

test('what the last verification by a worker found is told, with its time', async () => {
  const start = Date.now() / 1000;
  const bytesRead = async () => valueOf(await scrape('land'), 'orders_bytes_total', { stage: 'read' });
  const before = await bytesRead();
  await client.workflow.execute('verifyPipeline', { taskQueue: 'orders-land', workflowId: 'verify-metrics' });
  const landed = await scrape('land');
  expect(valueOf(landed, 'orders_verify_equal')).toBe(1);
  expect(valueOf(landed, 'orders_verify_timestamp_seconds')).toBeGreaterThan(start);
  // It has read all there is, and that is not the pipeline's doing.
  expect(await bytesRead()).toBe(before);
});

test('how far capture and landing have come moves on, also while there is nothing to do', async () => {
  const places = async () => [
    valueOf(await scrape('capture'), 'orders_captured_through_timestamp_seconds'),
    valueOf(await scrape('land'), 'orders_landed_through_timestamp_seconds'),
  ];
  const [captured = 0, landed = 0] = await places();
  expect(Math.abs(Date.now() / 1000 - captured)).toBeLessThan(30);
  await eventually(async () => {
    const [capturedNow, landedNow] = await places();
    expect(capturedNow).toBeGreaterThan(captured);
    expect(landedNow).toBeGreaterThan(landed);
  });
});

test('who holds capture back shows, with for how long, and goes', async () => {
  const holder = await pipeline.pool.connect();
  const blocked = async () =>
    valueOf(await scrape('capture'), 'orders_capture_blocked_seconds', { kind: 'open transaction' });
  try {
    await holder.query('BEGIN');
    await holder.query(`INSERT INTO ${ORDERS_TABLE} (customer_name, restaurant_name, item, amount, order_status)
      VALUES ('${CUSTOMER}', 'r', 'i', 1, 'PLACED')`);
    await eventually(async () => expect(await blocked()).toBeGreaterThan(5));
    const through = valueOf(await scrape('capture'), 'orders_captured_through_timestamp_seconds');
    expect(Date.now() / 1000 - through).toBeGreaterThan(4);
  } finally {
    await holder.query('COMMIT');
    holder.release();
  }
  await eventually(async () => expect(await blocked()).toBe(0));
  // Afterwards status tells for how long, with the part that the metrics cannot tell from the waiting for a poll.
  const slowest = async <S extends CaptureStatus | LandStatus>(workflow: string) =>
    (await client.workflow.getHandle(workflow).query<S>('status')).freshness?.mostly;
  await eventually(async () =>
    expect([
      await slowest<CaptureStatus>('orders-capture'),
      await slowest<LandStatus>('orders-land'),
    ]).toMatchObject([{ part: 'held' }, { part: 'capture' }]),
  );
  expect((await slowest('orders-capture'))!.seconds).toBeGreaterThan(5);
  expect((await slowest('orders-capture'))!.seconds).toBeLessThan(20);
});

test('all that is served is in the list, with its kind, help and labels, and Temporal’s own beside it', async () => {
  for (const queue of ['capture', 'land'] as const) {
    const families = await scrape(queue);
    const ours = [...families].filter(([name]) => name.startsWith('orders_'));
    expect(ours.length).toBeGreaterThan(10);
    for (const [name, { kind, help, series }] of ours) {
      const listed = METRICS[name as keyof typeof METRICS];
      expect([name, kind, help]).toEqual([name, listed.kind, listed.help]);
      const known = Object.keys('labels' in listed ? listed.labels : {});
      for (const { labels } of series)
        expect(
          Object.keys(labels)
            .filter((label) => label !== 'le')
            .sort(),
        ).toEqual([...known].sort());
    }
    expect(families.get('temporal_activity_execution_latency_seconds')?.kind).toBe('histogram');
    expect(families.get('temporal_worker_task_slots_available')?.kind).toBe('gauge');
  }
});

test('nothing of a row is in them', async () => {
  for (const queue of ['capture', 'land'] as const) {
    const { text } = await get(queue, '/metrics');
    expect(text).not.toMatch(/Zaphod|Milliways|Galactic/);
  }
});

test('a process that serves its queue is alive and ready; other addresses and methods are refused', async () => {
  for (const queue of ['capture', 'land'] as const) {
    expect(await get(queue, '/healthz')).toEqual({ status: 200, text: 'ok\n' });
    expect(await get(queue, '/readyz')).toEqual({ status: 200, text: 'ok\n' });
    expect(await get(queue, '/')).toMatchObject({ status: 404 });
    expect(await get(queue, '/metrics', 'POST')).toMatchObject({ status: 405 });
  }
});

test('the check for containers asks both processes, and says which is not there', async () => {
  const check = (listen: string) =>
    promisify(execFile)(process.execPath, ['--import', 'tsx', 'workers/healthcheck.ts'], {
      env: { ...process.env, ...listening(listen).env },
    });
  const ports = [await freePort(), 0].map((port) => `127.0.0.1:${port}`) as [string, string];
  await expect(check(ports[0])).rejects.toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/^capture: 127\.0\.0\.1:\d+ does not answer: .*ECONNREFUSED/) as string,
  });
  expect((await check(ports[1])).stdout).toMatch(/^not checked/);
  const both = await startWorkers(listening(ports[0]));
  try {
    expect((await check(ports[0])).stdout.split('\n').sort()).toEqual(['', 'capture: ready', 'land: ready']);
  } finally {
    await both.kill();
  }
});

test('without Temporal a process is alive, and not ready', async () => {
  const port = await freePort();
  const lonely = launchWorkers({
    env: { ...pipeline.env, METRICS_LISTEN: `127.0.0.1:${port}`, TEMPORAL_ADDRESS: '127.0.0.1:1' },
    logFile: join(pipeline.directory, 'lonely.log'),
    killWithUs: true,
  });
  try {
    await eventually(async () => {
      const ready = await fetch(`http://127.0.0.1:${port}/readyz`);
      expect([ready.status, await ready.text()]).toEqual([503, 'not connected to Temporal yet\n']);
    }, 60_000);
    expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
  } finally {
    await lonely.kill();
  }
});

test('an address that is taken is a warning with what to do, and the workers serve', async () => {
  const taken = new URL(workers.endpoints.get('capture')!).host;
  const second = await startWorkers(listening(taken));
  try {
    expect(second.pids.size).toBe(2);
    expect(second.endpoints.get('capture')).toBeUndefined();
    expect(second.log()).toMatch(/no metrics and no health are served: .*EADDRINUSE.*METRICS_LISTEN/);
  } finally {
    await second.kill();
  }
});

test('without an address they are pushed to the collector that the standard variables name', async () => {
  const collector = await startCollector();
  const headers = join(pipeline.directory, 'headers');
  writeFileSync(headers, 'api-key=collector%20key\n');
  const pushing = await startWorkers({
    ...pipeline,
    env: {
      ...pipeline.env,
      LOG_LEVEL: 'debug',
      OTEL_EXPORTER_OTLP_HEADERS_FILE: headers,
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_METRIC_EXPORT_INTERVAL: '300',
    },
  });
  try {
    expect(pushing.endpoints.size).toBe(0);
    await eventually(() => {
      expect(collector.requests.map(({ path }) => path)).toContain('/v1/metrics');
      expect(sentTo(collector)).toContain('orders_build_info');
      expect(sentTo(collector)).toContain('temporal_worker_start');
    });
    const keys = collector.requests.map(({ headers: { 'api-key': key } }) => key);
    expect(new Set(keys)).toEqual(new Set(['collector key']));
    expect(pushing.log()).not.toMatch(/collector(%20| )key/);
  } finally {
    await pushing.kill();
    await collector.close();
  }
});
