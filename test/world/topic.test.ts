/** What others do to the topic: partitions are added, a transaction stays open, its consumer group is taken. */
import { Kafka, logLevel, Partitioners } from 'kafkajs';
import { WORKFLOWS } from '../../domain/names';
import { auditLake } from '../../reconcile/audit';
import { insertOrders } from '../../dev/orders/insert-orders';
import type { Harness } from '../faults/harness';
import { sideBySide, type Lane } from '../faults/side-by-side';
import { kafkaCommandsIn, runKafkaTool } from '../helpers/kafka-tools';
import { eventually, servers } from '../helpers/pipeline';
import { ordersCli } from '../helpers/processes';
import { lanesOf, type Case } from './cases';
import { violations } from '../../dev/oracle';
import { storageAt } from '../helpers/lake';

/** Orders that another program has put into partitions that were added. */
const foreign: string[] = [];

const partitionsAdded: Case = {
  what: 'partitions are added',
  moments: ['between claim and land', 'while paused', 'after a restart'],
  expect: () => ({ foreign }),
  async change({ pipeline }) {
    await withKafka(async (kafka) => {
      const admin = kafka.admin();
      await admin.connect();
      const { topic } = pipeline.settings.kafka;
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
      const count = topics[0]!.partitions.length + 2;
      await admin.createPartitions({ topicPartitions: [{ topic, count }] });
      await admin.disconnect();
    });
  },
  /** New orders, an order of another program in each partition, and all orders once more: their keys have moved. */
  async goOn({ pipeline, client }) {
    await insertOrders(pipeline.pool, 60);
    await produceForeign(pipeline.settings.kafka.topic);
    const capture = client.workflow.getHandle(WORKFLOWS.captureOrders.id);
    await capture.signal('resetWatermark', { createdAt: '2000-01-01T00:00:00Z' });
    await insertOrders(pipeline.pool, 60);
  },
};

const transactionLeftOpen = async (harness: Harness): Promise<void> => {
  const { pipeline } = harness;
  await withKafka(async (kafka) => {
    const producer = kafka.producer({
      transactionalId: `importer-${pipeline.name}`,
      idempotent: true,
      maxInFlightRequests: 1,
      createPartitioner: Partitioners.DefaultPartitioner,
    });
    await producer.connect();
    const transaction = await producer.transaction();
    const id = nextForeign();
    await transaction.send({
      topic: pipeline.settings.kafka.topic,
      messages: [{ ...orderOf(id), partition: 0 }],
    });
    await insertOrders(pipeline.pool, 60);
    const statusSays = /held back: partition 0 cannot be read.*transactional\.id importer-/;
    expect(await violations(harness, { foreign, statusSays })).toEqual([]);
    const told = (command: string) => printed(pipeline, command);
    await eventually(async () => expect(await told('status')).toMatch(statusSays));
    expect(await told('status')).not.toMatch(/lag 0 offsets/);
    const doctor = await told('doctor');
    expect(doctor).toMatch(/partition 0 +BROKEN/);
    const commands = new Set(
      kafkaCommandsIn(doctor).filter((one) => one.startsWith('kafka-transactions.sh')),
    );
    expect(commands.size).toBe(1);
    await runKafkaTool([...commands][0]);
    expect(await violations(harness, { foreign })).toEqual([]);
    await eventually(async () => expect(await told('status')).not.toMatch(/held back/));
    await producer.disconnect();
  });
};

/** What a command prints, whether it finds trouble or not. */
async function printed(pipeline: Harness['pipeline'], command: string): Promise<string> {
  const failed = (error: unknown) => error as { stdout: string };
  return (await ordersCli(pipeline, command).catch(failed)).stdout;
}

const auditIsClean = async ({ pipeline }: Harness): Promise<void> => {
  expect((await auditLake(storageAt(pipeline.lakePath))).problems).toEqual([]);
};

const [shared] = lanesOf([partitionsAdded]);
const lane: Lane = {
  ...shared!.lane,
  'another producer leaves its transaction open': transactionLeftOpen,
  'after all that, the audit is clean': auditIsClean,
};
sideBySide([lane]);

function nextForeign(): string {
  return String(1_000_000 + foreign.length);
}

function orderOf(id: string): { key: string; value: string } {
  const value =
    `{"order_id":${id},"customer_name":"Bob","restaurant_name":"Pho","item":"Soup","amount":7.00,` +
    '"order_status":"PLACED","created_at":"2025-11-18T10:00:00.000000Z"}';
  return { key: id, value };
}

async function produceForeign(topic: string): Promise<void> {
  await withKafka(async (kafka) => {
    const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
    const admin = kafka.admin();
    await Promise.all([producer.connect(), admin.connect()]);
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    for (const { partitionId: partition } of topics[0]!.partitions) {
      const id = nextForeign();
      foreign.push(id);
      await producer.send({ topic, messages: [{ ...orderOf(id), partition }] });
    }
    await Promise.all([producer.disconnect(), admin.disconnect()]);
  });
}

async function withKafka<T>(work: (kafka: Kafka) => Promise<T>): Promise<T> {
  return work(
    new Kafka({
      brokers: servers().KAFKA_BROKERS.split(','),
      logLevel: logLevel.NOTHING,
      retry: { initialRetryTime: 20, retries: 20 },
    }),
  );
}
