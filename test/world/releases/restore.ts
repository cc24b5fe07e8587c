/** Puts what a release left behind in place of a fresh pipeline's nothing. */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Kafka, logLevel, Partitioners } from 'kafkajs';
import { createOrdersTopic, topicOptions } from '../../../adapters/kafka';
import { ORDERS_TABLE, servers, type FreshPipeline } from '../../helpers/pipeline';
import { SILENT } from '../../helpers/telemetry';

export const RELEASES = ['0.1.0', '0.2.0', '0.3.0'] as const;
export type Release = (typeof RELEASES)[number];

/** What `record.ts` has written. */
export interface Left {
  /** The settings file of the release. */
  settings: string;
  /** The table, each value as text. */
  rows: Record<string, unknown>[];
  /** The topic, transaction by transaction. */
  transactions: { partition: number; offset: string; key: string | null; value: string | null }[][];
  /** The offset of group `orders-capture-progress`. */
  progress: { offset: string; metadata: string };
  /** What a run gives the run after it. */
  capture: object;
  land: object;
  /** Of lake, quarantine and state; contents are base64. */
  folders: string[];
  files: Record<string, string>;
}

export function leftBy(release: Release): Left {
  return JSON.parse(readFileSync(join(__dirname, `${release}.json`), 'utf8')) as Left;
}

/** Returns what was left, as the workflows have to be given it. The topic is another one, with an id of its own. */
export async function restore(pipeline: FreshPipeline, release: Release): Promise<Left> {
  const left = leftBy(release);
  await pipeline.pool.query(
    `INSERT INTO ${ORDERS_TABLE} SELECT * FROM json_populate_recordset(NULL::${ORDERS_TABLE}, $1)`,
    [JSON.stringify(left.rows)],
  );
  await pipeline.pool.query(
    `SELECT setval(pg_get_serial_sequence('${ORDERS_TABLE}', 'order_id'), (SELECT max(order_id) FROM ${ORDERS_TABLE}))`,
  );
  const oldId = /"topicId":"([^"]+)"/.exec(JSON.stringify(left.land))?.[1];
  const newId = await createTopic(pipeline);
  const renamed = (text: string) => (oldId === undefined ? text : text.replaceAll(oldId, newId));
  await publish(pipeline, left, renamed);
  for (const directory of left.folders) mkdirSync(join(pipeline.directory, directory), { recursive: true });
  writeFiles(pipeline.directory, left.files, renamed);
  return JSON.parse(renamed(JSON.stringify(left))) as Left;
}

async function createTopic({ settings }: FreshPipeline): Promise<string> {
  const brokers = servers().KAFKA_BROKERS.split(',');
  const topic = createOrdersTopic({ ...topicOptions(settings.kafka, SILENT), brokers });
  try {
    await topic.ensure();
    return (await topic.offsets()).topicId!;
  } finally {
    await topic.close();
  }
}

/** Each transaction again, with its marker: so all offsets are as they were. The record comes with the last one. */
async function publish(
  { settings, name }: FreshPipeline,
  { transactions, progress }: Left,
  renamed: (text: string) => string,
): Promise<void> {
  const { topic } = settings.kafka;
  const kafka = new Kafka({ brokers: servers().KAFKA_BROKERS.split(','), logLevel: logLevel.NOTHING });
  const producer = kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    transactionalId: `release-${name}`,
    createPartitioner: Partitioners.DefaultPartitioner,
  });
  await producer.connect();
  try {
    for (const [index, messages] of transactions.entries()) {
      const transaction = await producer.transaction();
      const sent = await transaction.send({ topic, messages });
      for (const { partition, baseOffset } of sent)
        expect(baseOffset).toBe(messages.find((message) => message.partition === partition)!.offset);
      const partitions = [{ partition: 0, offset: progress.offset, metadata: renamed(progress.metadata) }];
      if (index === transactions.length - 1)
        await transaction.sendOffsets({
          consumerGroupId: 'orders-capture-progress',
          topics: [{ topic, partitions }],
        });
      await transaction.commit();
    }
  } finally {
    await producer.disconnect();
  }
}

/** Where the topic's id stands in it, the ledger is chained again. */
function writeFiles(root: string, files: Record<string, string>, renamed: (text: string) => string): void {
  const hashes = new Map<string, string>();
  for (const path of Object.keys(files).sort()) {
    const content = Buffer.from(files[path]!, 'base64');
    let written: Buffer = content;
    if (path.startsWith('lake/_ledger/')) {
      let text = renamed(content.toString());
      for (const [before, after] of hashes) text = text.replaceAll(before, after);
      written = Buffer.from(text);
      hashes.set(sha256(content), sha256(written));
    }
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), written);
  }
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
