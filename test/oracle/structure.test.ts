/** Topic, ledger and files, made by hand: what is in one and not in the other is noticed. */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Kafka, logLevel, Partitioners, type Admin, type Producer } from 'kafkajs';
import { checkStructure } from '../../dev/oracle';
import { freshPipeline, servers, type FreshPipeline } from '../helpers/pipeline';
import { AMOUNTS, DAY, fillBoth, writeFile, good } from './lake';

let pipeline: FreshPipeline;
let admin: Admin;
let producer: Producer;
let topic: string;
beforeAll(async () => {
  pipeline = await freshPipeline();
  ({ topic } = pipeline.settings.kafka);
  const kafka = new Kafka({ brokers: servers().KAFKA_BROKERS.split(','), logLevel: logLevel.NOTHING });
  admin = kafka.admin();
  producer = kafka.producer({
    createPartitioner: Partitioners.DefaultPartitioner,
    transactionalId: pipeline.name,
    idempotent: true,
    maxInFlightRequests: 1,
  });
  await Promise.all([admin.connect(), producer.connect()]);
  await admin.createTopics({ topics: [{ topic, numPartitions: 2 }] });
  await send(['1', '2', '3'], 0);
  await send(['99'], 0, 'abort');
  await send(['4', '5'], 1);
});
afterAll(async () => {
  await Promise.all([admin.disconnect(), producer.disconnect()]);
  await pipeline.dispose();
});

async function send(keys: string[], partition: number, end: 'commit' | 'abort' = 'commit'): Promise<void> {
  const transaction = await producer.transaction();
  await transaction.send({ topic, messages: keys.map((key) => ({ key, value: '{}', partition })) });
  await transaction[end]();
}

beforeEach(async () => {
  await fillBoth(pipeline);
  await record();
});

/** One batch of all offsets; ends of transactions take one each. */
async function record(change: object = {}): Promise<void> {
  const file = (root: string, rows: number) => {
    const path = `date=${DAY}/part-1.parquet`;
    const content = readFileSync(join(`${pipeline.lakePath}${root}`, path));
    return { path, rows, bytes: content.length, sha256: createHash('sha256').update(content).digest('hex') };
  };
  const ledger = join(pipeline.lakePath, '_ledger');
  mkdirSync(ledger, { recursive: true });
  const ends = await admin.fetchTopicOffsets(topic);
  const entry = {
    sequence: 1,
    previousHash: '',
    ranges: ends.map(({ partition, high }) => ({ partition, from: '0', to: high })),
    counts: { read: 5, landed: 4, duplicate: 0, quarantined: 1 },
    files: [file('', AMOUNTS.length)],
    quarantineFiles: [file('_quarantine', 1)],
    ...change,
  };
  writeFileSync(join(ledger, '0000000001.json'), JSON.stringify(entry));
}

test('all three agree, and messages of an aborted transaction are nobody’s', async () => {
  expect(await checkStructure(pipeline)).toEqual([]);
});

test('orders that the topic lacks, has twice, or has alone', async () => {
  await pipeline.pool.query(`DELETE FROM "2025em1100102_orders" WHERE order_id = 2`);
  await pipeline.pool.query(`UPDATE "2025em1100102_orders" SET order_id = 6 WHERE order_id = 3`);
  expect(await checkStructure(pipeline)).toEqual([
    'topic: missing: 1 orders, e.g. 6',
    'topic: not in the source: 2 orders, e.g. 2, 3',
  ]);
  await send(['4'], 1);
  await record();
  expect(await checkStructure(pipeline)).toContain('topic: more than once: 1 orders, e.g. 4');
  expect(await checkStructure(pipeline, { repeats: true })).toEqual([]);
});

test('offsets that have not landed', async () => {
  await record({ ranges: [{ partition: 0, from: '0', to: '4' }] });
  expect(await checkStructure(pipeline, { repeats: true })).toEqual([
    expect.stringMatching(/^ledger: partition 0 landed to 4, the topic has \d+$/),
    expect.stringMatching(/^ledger: partition 1 landed to 0, the topic has \d+$/),
  ]);
});

test('files that are changed, missing, strange or left behind', async () => {
  const checked = () => checkStructure(pipeline, { repeats: true });
  await writeFile(pipeline, `SELECT * FROM (${good()}) LIMIT 3`, 'part-1.parquet');
  const path = `date=${DAY}/part-1.parquet`;
  expect(await checked()).toEqual([
    expect.stringMatching(`^files: ${path} has \\d+ bytes, not \\d+$`),
    `files: ${path} was changed`,
    `files: ${path} has 3 rows, not 4`,
  ]);
  rmSync(join(pipeline.lakePath, path));
  writeFileSync(join(pipeline.lakePath, `date=${DAY}`, '.part-2.parquet.tmp'), '');
  await writeFile(pipeline, good(), 'part-3.parquet');
  expect(await checked()).toEqual([
    `files: date=${DAY}/part-3.parquet is in no ledger entry`,
    `files: date=${DAY}/.part-2.parquet.tmp was left behind`,
    `files: ${path} is missing`,
  ]);
});
