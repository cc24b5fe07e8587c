import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { queryLake, summary } from '../../adapters/lake/reading/reader';
import type { CaptureStatus, LandStatus } from '../../domain/status';
import type { Workers } from '../../dev/workers';
import {
  ORDERS_TABLE,
  eventually,
  freshNamespace,
  freshPipeline,
  type FreshPipeline,
} from '../helpers/pipeline';
import { ordersCli, startWithTemporalCli, startWorkers, temporalCli } from '../helpers/processes';
import { expectAllLandedOnce } from '../helpers/exactly-once';
import { storageAt } from '../helpers/lake';
import { WIRE } from '../helpers/hostile';
import { hostileValues, sendHostile } from './hostile-messages';

jest.setTimeout(120_000);

let pipeline: FreshPipeline;
let closeClient: () => Promise<void>;
let workers: Workers;

beforeAll(async () => {
  pipeline = await freshPipeline({ cdc: { batch_limit: 700 }, consumer: { maxOffsetsPerTrigger: 900 } });
  closeClient = (await freshNamespace(pipeline.name)).close;
  workers = await startWorkers(pipeline);
});
afterAll(async () => {
  await workers.kill();
  await closeClient();
  await pipeline.dispose();
});

async function statusOf<S>(workflowId: string): Promise<S> {
  const text = await temporalCli(
    pipeline,
    'workflow',
    'query',
    '--workflow-id',
    workflowId,
    '--type',
    'status',
    '-o',
    'json',
  );
  return (JSON.parse(text) as { queryResult: S[] }).queryResult[0]!;
}

/** Waits until the lake holds as many rows as the source. */
async function untilLanded(): Promise<number> {
  const source = await pipeline.pool.query<{ rows: number }>(
    `SELECT count(*)::int AS rows FROM ${ORDERS_TABLE}`,
  );
  return eventually(async () => {
    const { rows, quarantined } = await summary(storageAt(pipeline.lakePath));
    expect(rows + quarantined.rows).toBe(source.rows[0]!.rows);
    return rows + quarantined.rows;
  }, 60_000);
}

test('orders of every shape reach the lake or quarantine once, value for value', async () => {
  await pipeline.pool.query(
    `INSERT INTO ${ORDERS_TABLE} (customer_name, restaurant_name, item, amount, order_status, created_at) VALUES
     ('日本語 🍜', 'quote '' and "', E'tab\\tnew\\nline', 0.10, 'PLACED', '2025-12-31 23:59:59.637356'),
     (U&'a\\2028z', repeat('x', 255), E'back\\\\slash', 19.99, 'PREPARING', '2025-11-18 10:00:00'),
     ('a', 'b', 'c', 99999999.99, 'DELIVERED', '2025-11-18 00:00:00'),
     (NULL, 'b', 'c', 1, 'CANCELLED', '2025-11-18 23:59:59.999999'),
     ('a', '', 'c', 1, 'PLACED', '2025-11-19'), ('a', 'b', E' \\t', 1, 'PLACED', '2025-11-19'),
     ('a', 'b', 'c', 0, 'PLACED', '2025-11-19'), ('a', 'b', 'c', -1, NULL, '2025-11-19'), ('a', 'b', 'c', NULL, 'PLACED', '2025-11-19')`,
  );
  await pipeline.pool.query(
    `INSERT INTO ${ORDERS_TABLE} (customer_name, restaurant_name, item, amount, order_status, created_at)
     SELECT 'same moment', 'r', 'i', 5, 'PLACED', '2025-11-20 12:00:00' FROM generate_series(1, 3000)`,
  );
  await startWithTemporalCli(pipeline);
  await untilLanded();
  expect(await expectAllLandedOnce(pipeline)).toBe(3009);
});

test('files have the columns, types and directories of the contract', async () => {
  const columns = await queryLake(
    storageAt(pipeline.lakePath),
    'SELECT column_name, column_type FROM (DESCRIBE SELECT * EXCLUDE (filename) FROM files)',
  );
  expect(columns).toEqual([
    ['order_id', 'BIGINT'],
    ['customer_name', 'VARCHAR'],
    ['restaurant_name', 'VARCHAR'],
    ['item', 'VARCHAR'],
    ['amount', 'DECIMAL(10,2)'],
    ['order_status', 'VARCHAR'],
    ['created_at', 'TIMESTAMP WITH TIME ZONE'],
    ['validation_status', 'VARCHAR'],
  ]);
  const misplaced = await queryLake(
    storageAt(pipeline.lakePath),
    `SELECT filename FROM files WHERE filename NOT LIKE '%/date=' || strftime(created_at AT TIME ZONE 'UTC', '%Y-%m-%d') || '/part-%'`,
  );
  expect(misplaced).toEqual([]);
});

test('every failing rule is told in quarantine and counted in status', async () => {
  const rows = await queryLake(
    storageAt(pipeline.lakePath),
    'SELECT order_id::INTEGER, failed_rules FROM files ORDER BY 1',
    { quarantine: true },
  );
  expect(rows).toEqual([
    [4, 'customer_name_empty'],
    [5, 'restaurant_name_empty'],
    [6, 'item_empty'],
    [7, 'amount_not_positive'],
    [8, 'amount_not_positive,order_status_empty'],
    [9, 'amount_not_positive'],
  ]);
  await eventually(async () => {
    expect((await statusOf<LandStatus>('orders-land')).failures).toEqual({
      customer_name_empty: 1,
      restaurant_name_empty: 1,
      item_empty: 1,
      amount_not_positive: 3,
      order_status_empty: 1,
    });
  });
});

test('status answers through the Temporal CLI, and the mirror shows the watermark', async () => {
  const capture = await eventually(async () => {
    const status = await statusOf<CaptureStatus>('orders-capture');
    expect(status.phase).toBe('polling');
    return status;
  });
  expect(capture).toMatchObject({
    rows: 3009,
    lagSeconds: 0,
    watermark: { createdAt: '2025-12-31T23:59:59.637356Z', orderId: '1' },
  });
  const mirror = join(
    pipeline.settings.streaming.last_processed_timestamp_location,
    'last_processed_timestamp.txt',
  );
  expect(readFileSync(mirror, 'utf8')).toBe('2025-12-31 23:59:59.637356|1\n');
  const { stdout } = await ordersCli(pipeline, 'status');
  expect(stdout).toMatch(/orders-capture: polling: 3009 rows/);
  expect(stdout).toMatch(/orders-land: claiming: 3003 rows landed/);
});

test('SIGTERM stops the workers within seconds; new ones go on where they were, through continue-as-new', async () => {
  expect(await workers.stop()).toBeLessThan(10_000);
  await pipeline.pool.query(
    `INSERT INTO ${ORDERS_TABLE} (customer_name, restaurant_name, item, amount, order_status) SELECT 'later', 'r', 'i', 5, 'PLACED' FROM generate_series(1, 500)`,
  );
  workers = await startWorkers(pipeline);
  await untilLanded();
  for (let burst = 0; burst < 15; burst++) {
    await pipeline.pool.query(
      `INSERT INTO ${ORDERS_TABLE} (customer_name, restaurant_name, item, amount, order_status) VALUES ('live', 'r', 'i', 5, 'PLACED')`,
    );
    await sleep(300);
  }
  await untilLanded();
  expect(await expectAllLandedOnce(pipeline)).toBe(3524);
  expect((await statusOf<CaptureStatus>('orders-capture')).runs).toBeGreaterThan(1);
  expect((await statusOf<LandStatus>('orders-land')).runs).toBeGreaterThan(1);
});

test('the ledger covers every offset once, and no temporary file is left', async () => {
  const directory = join(pipeline.lakePath, '_ledger');
  const reached: Record<number, string> = {};
  for (const name of readdirSync(directory)
    .filter((name) => name.endsWith('.json'))
    .sort()) {
    const entry = JSON.parse(readFileSync(join(directory, name), 'utf8')) as {
      ranges: { partition: number; from: string; to: string }[];
      files: { path: string }[];
    };
    for (const { partition, from, to } of entry.ranges) {
      expect(from).toBe(reached[partition] ?? '0');
      reached[partition] = to;
    }
    for (const { path } of entry.files) expect(existsSync(join(pipeline.lakePath, path))).toBe(true);
  }
  await eventually(async () =>
    expect((await statusOf<LandStatus>('orders-land')).nextOffsets).toEqual(reached),
  );
  const all = readdirSync(pipeline.lakePath, { recursive: true, encoding: 'utf8' });
  expect(all.filter((path) => path.endsWith('.tmp'))).toEqual([]);
});

test('rewinds by the Temporal CLI publish and land again, and the lake still has each order once', async () => {
  const signal = (id: string, name: string, input: object) =>
    temporalCli(
      pipeline,
      'workflow',
      'signal',
      '--workflow-id',
      id,
      '--name',
      name,
      '--input',
      JSON.stringify(input),
    );
  const before = await statusOf<LandStatus>('orders-land');
  const rows = (await statusOf<CaptureStatus>('orders-capture')).rows;
  await signal('orders-capture', 'resetWatermark', { createdAt: '2025-01-01T00:00:00Z', reason: 'rewind' });
  await eventually(
    async () => expect((await statusOf<CaptureStatus>('orders-capture')).rows).toBe(rows + 3524),
    60_000,
  );
  await eventually(
    async () => expect((await statusOf<LandStatus>('orders-land')).rows.read).toBe(before.rows.read + 3524),
    60_000,
  );
  expect(await expectAllLandedOnce(pipeline)).toBe(3524);

  await signal('orders-land', 'resetOffsets', { offsets: 'earliest', reason: 'rewind' });
  await eventually(
    async () =>
      expect((await statusOf<LandStatus>('orders-land')).rows.read).toBe(before.rows.read + 3 * 3524),
    60_000,
  );
  const after = await statusOf<LandStatus>('orders-land');
  expect(after.rows.duplicate - before.rows.duplicate).toBe(3 * 3524);
  expect(await expectAllLandedOnce(pipeline)).toBe(3524);
});

test('a second start is harmless, and what cannot start says why', async () => {
  const { stdout } = await ordersCli(pipeline, 'start');
  expect(stdout).toContain('captureOrders runs as orders-capture');
  await temporalCli(pipeline, 'workflow', 'terminate', '--workflow-id', 'orders-capture');
  await pipeline.pool.query(`ALTER TABLE ${ORDERS_TABLE} RENAME item TO dish`);
  await expect(ordersCli(pipeline, 'start')).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(
      /SchemaMismatch: Table .* item is missing[^]*Nothing was started/,
    ) as string,
  });
  // Without looking itself, it tells what the worker found.
  await expect(ordersCli(pipeline, 'start', '--no-check')).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/orders-capture: Table .* item is missing/) as string,
  });
});

test('whatever another program sends is in quarantine, whole and with a reason, and what comes after it lands', async () => {
  const lake = storageAt(pipeline.lakePath);
  const before = (await summary(lake)).quarantined.rows;
  const good = WIRE.replace('"order_id":1', ' "order_id":1000001');
  await sendHostile(pipeline.settings.kafka.brokers, pipeline.settings.kafka.topic, good);
  await eventually(async () => {
    expect(await queryLake(lake, 'SELECT count(*)::INTEGER FROM files WHERE order_id = 1000001')).toEqual([
      [1],
    ]);
  }, 60_000);
  // They are on several partitions, so a batch that holds the good one need not hold them all.
  await eventually(
    async () => expect((await summary(lake)).quarantined.rows - before).toBe(hostileValues.length + 1),
    60_000,
  );
  const kept = await queryLake(
    lake,
    `SELECT sha256(raw_value), failed_rules, octet_length(raw_value)::INTEGER FROM files
      WHERE created_at IS NULL ORDER BY kafka_offset`,
    { quarantine: true },
  );
  const hashOf = (value: Buffer | null) =>
    value === null ? null : createHash('sha256').update(value).digest('hex');
  expect(kept.slice(0, -1).map(([hash]) => hash)).toEqual(hostileValues.map(hashOf));
  expect(kept.filter(([, rules]) => rules === '')).toEqual([]);
  expect(kept.at(-1)).toEqual([expect.anything(), 'batch_unreadable', expect.any(Number)]);
  expect(kept.at(-1)![2]).toBeLessThan(200_000);
  expect(await statusOf<LandStatus>('orders-land')).toMatchObject({ unlanded: null });
});
