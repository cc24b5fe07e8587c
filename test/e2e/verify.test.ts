import { cpSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { withDuckDB, quote } from '../../adapters/lake/reading/duckdb';
import { summary } from '../../adapters/lake/reading/reader';
import { createVerify } from '../../reconcile/open';
import type { VerifyOptions, VerifyResult } from '../../reconcile/verify';
import { brokers } from '../adapters/kafka/helpers';
import type { Workers } from '../../dev/workers';
import {
  ORDERS_TABLE,
  eventually,
  freshNamespace,
  freshPipeline,
  type FreshPipeline,
} from '../helpers/pipeline';
import { ordersCli, startWithTemporalCli, startWorkers, temporalCli } from '../helpers/processes';
import { Kafka, logLevel } from 'kafkajs';
import { SILENT } from '../helpers/telemetry';
import { storageAt } from '../helpers/lake';

jest.setTimeout(120_000);

let pipeline: FreshPipeline;
let closeClient: () => Promise<void>;
let workers: Workers;
let kept: string;

/** 600 plain orders on three days, and all that is hard to compare. */
beforeAll(async () => {
  pipeline = await freshPipeline();
  closeClient = (await freshNamespace(pipeline.name)).close;
  await pipeline.pool.query(`
    ALTER TABLE ${ORDERS_TABLE} DROP CONSTRAINT "2025em1100102_orders_pkey", ALTER order_id DROP NOT NULL,
      ALTER amount TYPE numeric, ALTER item TYPE char(12);
    INSERT INTO ${ORDERS_TABLE} (customer_name, restaurant_name, item, amount, order_status, created_at)
      SELECT 'customer ' || i, 'r', 'i', i, 'PLACED', '2025-11-18 22:00:00.123456'::timestamp + i * interval '3 minutes'
        FROM generate_series(1, 600) i;
    INSERT INTO ${ORDERS_TABLE} (order_id, customer_name, restaurant_name, item, amount, order_status, created_at) VALUES
      (1001, '日本語 🍜', 'quote '' and "', E'tab\\t', 0.1, 'PLACED', '2025-12-31 23:59:59.637356'),
      (1002, NULL, '', '~', 99999999.99, 'PLACED', '2025-11-19 00:00:00'),
      (1003, 'a', '1:b', E'\\\\', 1.005, NULL, '2025-11-19 00:00:00'),
      (1004, 'a|b', 'c', 'd', 'NaN', 'PLACED', '2025-11-20 01:00:00'),
      (1005, 'a', 'b|c', 'd', -0.50, 'PLACED', '2025-11-20 01:00:00'),
      (NULL, 'a', 'b', 'c', 1, 'PLACED', '2025-11-20 01:00:00'),
      (NULL, 'a', 'b', 'c', 1, 'PLACED', '2025-11-20 01:00:00'),
      (NULL, 'other', 'b', 'c', 1, 'PLACED', '2025-11-20 01:00:00')`);
  workers = await startWorkers(pipeline);
  await startWithTemporalCli(pipeline);
  await eventually(async () => {
    const { rows, quarantined } = await summary(storageAt(pipeline.lakePath));
    expect(rows + quarantined.rows).toBe(607); // equal rows without an id are one
  }, 60_000);
  await eventually(async () => expect((await verify()).totals.source.rows).toBe(607), 30_000);
  kept = join(pipeline.directory, 'kept');
  cpSync(pipeline.lakePath, join(kept, 'lake'), { recursive: true });
});
afterAll(async () => {
  await workers.kill();
  await closeClient();
  await pipeline.dispose();
});

const verify = (options?: VerifyOptions) => createVerify(pipeline.settings, SILENT)(options);

/** Runs `work` and brings the lake's files back; the ledger grows meanwhile. */
async function withLakeRestored<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } finally {
    for (const day of readdirSync(join(kept, 'lake')).filter((name) => name.startsWith('date='))) {
      rmSync(join(pipeline.lakePath, day), { recursive: true });
      cpSync(join(kept, 'lake', day), join(pipeline.lakePath, day), { recursive: true });
    }
  }
}

/** Writes what `sql` selects from the file (`file`) that holds order `id` in its place, or as `name` beside it. */
async function rewrite(day: string, id: number, sql: string, name?: string): Promise<void> {
  const directory = join(pipeline.lakePath, `date=${day}`);
  const read = (part: string) => `read_parquet(${quote(part)}, hive_partitioning = false, filename = true)`;
  await withDuckDB(async (duckdb) => {
    // A slow machine lands the orders in several batches, so a day may have several files.
    const found = await duckdb.runAndReadAll(
      `SELECT filename FROM ${read(join(directory, '*.parquet'))} WHERE order_id = ${id}`,
    );
    const holder = String(found.getRows()[0]?.[0]);
    const select = `WITH file AS (SELECT * EXCLUDE filename FROM ${read(holder)}) ${sql}`;
    await duckdb.run(`COPY (${select}) TO ${quote(join(directory, '.new'))} (FORMAT parquet)`);
    renameSync(join(directory, '.new'), name === undefined ? holder : join(directory, name));
  });
}

const shown = ({ equal, differences, examples }: VerifyResult) => ({
  equal,
  differences: differences.map(({ place, kind, orders }) => `${place} ${kind} ${orders}`),
  examples: examples.map(({ place, kind, orderId, columns }) =>
    `${place} ${kind} ${orderId} ${columns?.join() ?? ''}`.trim(),
  ),
});

test('what has landed is equal, whatever it holds, and the command says through which moment', async () => {
  const result = await verify();
  expect(shown(result)).toEqual({ equal: true, differences: [], examples: [] });
  expect(result.dates.map(({ date, verdict }) => `${date} ${verdict}`)).toEqual([
    '2025-11-18 equal',
    '2025-11-19 equal',
    '2025-11-20 equal',
    '2025-12-31 equal',
  ]);
  expect(result.totals).toMatchObject({ topic: { rows: 607 }, lake: { rows: 601 }, quarantine: { rows: 6 } });
  expect(result.totals.source).toEqual(result.totals.topic);
  expect(result).toMatchObject({
    from: null,
    verifiedThrough: result.to,
    topicFrom: null,
    publishedAgain: 0,
  });
  const { stdout } = await ordersCli(pipeline, 'verify', '--from', '2025-11-19', '--to', '2025-11-20');
  expect(stdout).toMatch(/^2025-11-19 +482 +482 +480 +2 +equal$/m);
  expect(stdout).toContain('equal: verified through 2025-11-20T00:00:00.000000Z');
});

test('a row deleted from the lake, a doubled one, an altered amount: found, with their files and columns', async () => {
  await withLakeRestored(async () => {
    await rewrite('2025-11-19', 100, 'SELECT * FROM file WHERE order_id <> 100');
    await rewrite(
      '2025-11-19',
      200,
      'SELECT * REPLACE (CASE order_id WHEN 200 THEN 1.25 ELSE amount END AS amount) FROM file',
    );
    await rewrite(
      '2025-11-20',
      560,
      'SELECT * FROM file WHERE order_id = 560',
      'part-0000000001-aaaaaaaaaaaa.parquet',
    );
    const result = await verify();
    expect(shown(result)).toEqual({
      equal: false,
      differences: ['lake changed 1', 'lake doubled 1', 'lake missing 1'],
      examples: ['lake missing 100', 'lake changed 200 amount', 'lake doubled 560'],
    });
    expect(result.examples[0]!.where).toMatch(/^partition \d, offset \d+, of batch \d+$/);
    expect(result.examples[2]!.where).toMatch(/^date=2025-11-20\/part-.*, date=2025-11-20\/part-/);
    expect(result.dates.map(({ verdict }) => verdict)).toEqual(['equal', 'different', 'different', 'equal']);
    expect(result.verifiedThrough).toBe(result.examples[0]!.createdAt);
    await expect(ordersCli(pipeline, 'verify', '--json')).rejects.toMatchObject({ code: 1 });
  });
  expect((await verify()).equal).toBe(true);
});

test('a row that the capture never saw, an update, a delete, a moved row', async () => {
  const query = (sql: string) => pipeline.pool.query(sql);
  await query(
    `INSERT INTO ${ORDERS_TABLE} VALUES (2000, 'late', 'r', 'i', 1, 'PLACED', '2025-11-19 12:00:00')`,
  );
  await query(
    `UPDATE ${ORDERS_TABLE} SET customer_name = 'changed', order_status = 'DELIVERED' WHERE order_id = 10`,
  );
  await query(`CREATE TABLE gone AS SELECT * FROM ${ORDERS_TABLE} WHERE order_id = 20`);
  await query(`DELETE FROM ${ORDERS_TABLE} WHERE order_id = 20`);
  await query(`UPDATE ${ORDERS_TABLE} SET created_at = created_at + interval '5 hours' WHERE order_id = 300`);
  const result = await verify();
  expect(shown(result)).toEqual({
    equal: false,
    differences: [
      'topic changed 2',
      'topic extra 1',
      'topic missing 1',
      'lake changed 2',
      'lake extra 1',
      'lake missing 1',
    ],
    examples: [
      'topic changed 10 customer_name,order_status',
      'lake changed 10 customer_name,order_status',
      'topic extra 20',
      'lake extra 20',
      'topic missing 2000',
      'lake missing 2000',
      'topic changed 300 created_at',
      'lake changed 300 created_at',
    ],
  });
  await query(`DELETE FROM ${ORDERS_TABLE} WHERE order_id = 2000`);
  await query(
    `UPDATE ${ORDERS_TABLE} SET customer_name = 'customer 10', order_status = 'PLACED' WHERE order_id = 10`,
  );
  await query(`INSERT INTO ${ORDERS_TABLE} SELECT * FROM gone`);
  await query(`UPDATE ${ORDERS_TABLE} SET created_at = created_at - interval '5 hours' WHERE order_id = 300`);
  expect((await verify()).equal).toBe(true);
});

test('beside a running pipeline: what is on its way is no difference, and an open transaction holds the end back', async () => {
  const insert = (name: string) =>
    `INSERT INTO ${ORDERS_TABLE} (customer_name, restaurant_name, item, amount, order_status) VALUES ('${name}', 'r', 'i', 5, 'PLACED')`;
  const holder = await pipeline.pool.connect();
  await holder.query('BEGIN');
  await holder.query(insert('holder'));
  const { rows } = await holder.query<{ since: string }>(
    `SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS since`,
  );
  for (let i = 0; i < 20; i++) await pipeline.pool.query(insert('live'));
  const held = await verify();
  expect(held.equal).toBe(true);
  expect(held.to <= rows[0]!.since).toBe(true);
  await holder.query('COMMIT');
  holder.release();
  for (let i = 0; i < 20; i++) {
    await pipeline.pool.query(insert('live'));
    expect(shown(await verify()).differences).toEqual([]);
  }
  await eventually(async () => expect((await verify()).totals.lake.rows).toBe(642), 20_000);
});

test('orders published again are counted, not held against the topic', async () => {
  await temporalCli(
    pipeline,
    'workflow',
    'signal',
    '--workflow-id',
    'orders-capture',
    '--name',
    'resetWatermark',
    '--input',
    JSON.stringify({ createdAt: '2025-11-20T00:00:00Z' }),
  );
  await eventually(async () => {
    const result = await verify();
    expect(result).toMatchObject({ equal: true, differences: [] });
    expect(result.publishedAgain).toBeGreaterThan(100);
    expect(result.totals.source.rows).toBe(648);
  }, 30_000);
});

test('where Kafka has dropped messages, the topic is compared from the next whole day on', async () => {
  const kafka = new Kafka({ brokers: brokers(), logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  const { topic } = pipeline.settings.kafka;
  await admin.fetchTopicMetadata({ topics: [topic] });
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '5' }] });
  await admin.disconnect();
  const result = await verify();
  expect(result).toMatchObject({ equal: true, topicFrom: '2025-11-19' });
  expect(result.dates[0]).toMatchObject({ date: '2025-11-18', topic: null, verdict: 'equal' });
});

test('what cannot be compared is exit code 2 and says why', async () => {
  await expect(ordersCli(pipeline, 'verify', '--from', 'yesterday')).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/--from "yesterday" is not a timestamp/) as string,
  });
  const elsewhere = {
    ...pipeline,
    env: { ...pipeline.env, ORDERS_CONFIG: join(pipeline.directory, 'none.yml') },
  };
  await expect(ordersCli(elsewhere, 'verify')).rejects.toMatchObject({ code: 2 });
});
