import {
  ConfigResourceTypes,
  Kafka,
  logLevel,
  Partitioners,
  type Admin,
  type Producer,
  type Transaction,
} from 'kafkajs';
import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import type { IncomingMessage, OrdersTopic, OutgoingMessage } from '../../../ports';
import { createOrdersTopic, type KafkaTopicOptions } from '../../../adapters/kafka';
import { ConnectionPool } from '../../../adapters/kafka/transport/connection-pool';
import { logBounds } from '../../../adapters/kafka/topic/log-bounds';
import type { OffsetRange, Window } from '../../../domain/ranges';
import { SILENT } from '../../helpers/telemetry';

/** Brokers of the test run's stack. */
export function brokers(): string[] {
  const found = process.env['KAFKA_BROKERS'];
  if (found === undefined || found === '')
    throw new Error('KAFKA_BROKERS is not set: run the tests with npm test');
  return found.split(',');
}

/** A topic of its own for one suite, and what its tests open on it; `close` removes all of it. */
export class TopicFixture {
  readonly name = `test-${randomUUID()}`;
  readonly kafka = new Kafka({
    brokers: brokers(),
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 20, retries: 8 },
  });
  readonly admin: Admin = this.kafka.admin();
  readonly #opened: OrdersTopic[] = [];
  readonly #producers: Producer[] = [];
  readonly #pool = new ConnectionPool(this.options());

  options(more: Partial<KafkaTopicOptions> = {}): KafkaTopicOptions {
    return {
      brokers: brokers(),
      topic: this.name,
      numPartitions: 3,
      replicationFactor: 1,
      consumerGroup: `group-${this.name}`,
      telemetry: SILENT,
      ...more,
    };
  }

  /** The adapter under test, as one worker process has it. */
  open(more: Partial<KafkaTopicOptions> = {}): OrdersTopic {
    const topic = createOrdersTopic(this.options(more));
    this.#opened.push(topic);
    return topic;
  }

  async create(more: Partial<KafkaTopicOptions> = {}): Promise<OrdersTopic> {
    await this.admin.connect();
    const topic = this.open(more);
    await topic.ensure();
    return topic;
  }

  /** Changes settings of the topic, and returns when the broker that leads it has heard; all others go back to their defaults. */
  async configure(name: string, value: string, more: Record<string, string> = {}): Promise<void> {
    const resource = { type: ConfigResourceTypes.TOPIC, name: this.name };
    await this.admin.alterConfigs({
      validateOnly: false,
      resources: [{ ...resource, configEntries: entriesOf({ ...more, [name]: value }) }],
    });
    for (;;) {
      const { resources } = await this.admin.describeConfigs({
        includeSynonyms: false,
        resources: [{ ...resource, configNames: [name] }],
      });
      if (resources[0]?.configEntries[0]?.configValue === value) return;
      await sleep(20);
    }
  }

  /** Somebody else's transaction, by kafkajs's own producer. */
  async foreignTransaction(): Promise<Transaction> {
    const producer = this.kafka.producer({
      transactionalId: `foreign-${randomUUID()}`,
      idempotent: true,
      maxInFlightRequests: 1,
      createPartitioner: Partitioners.DefaultPartitioner,
      retry: { initialRetryTime: 20, retries: 20 },
    });
    this.#producers.push(producer);
    await producer.connect();
    return producer.transaction();
  }

  /** Waits until all transactions have ended: a commit is answered before its markers are in the partitions. */
  async settled(): Promise<void> {
    for (;;) {
      const [committed, all] = await this.#pool.run(undefined, async (connection) => [
        await logBounds(connection, connection.partitions, 'committed'),
        await logBounds(connection, connection.partitions, 'uncommitted'),
      ]);
      if (isDeepStrictEqual(committed, all)) return;
      await sleep(5);
    }
  }

  /** Everything in the topic, once all transactions have ended. */
  async readAll(): Promise<IncomingMessage[]> {
    await this.settled();
    return readRanges(this.open(), await everything(this.open()));
  }

  async deleteRecords(partition: number, before: string): Promise<void> {
    // kafkajs wants this topic's metadata and does not fetch it.
    await this.admin.fetchTopicMetadata({ topics: [this.name] });
    await this.admin.deleteTopicRecords({ topic: this.name, partitions: [{ partition, offset: before }] });
  }

  /** Deletes the topic and creates it again under its name. */
  async recreate(): Promise<void> {
    await deleteTopic(this.admin, this.name);
    await this.open().ensure();
  }

  async close(): Promise<void> {
    this.#pool.close();
    for (const topic of this.#opened) await topic.close();
    for (const producer of this.#producers) await producer.disconnect();
    await this.admin.deleteTopics({ topics: [this.name] }).catch(() => undefined);
    await this.admin.disconnect();
  }
}

function entriesOf(settings: Record<string, string>): { name: string; value: string }[] {
  return Object.entries(settings).map(([name, value]) => ({ name, value }));
}

/** Resolves when the broker has forgotten the topic. */
export async function deleteTopic(admin: Admin, name: string): Promise<void> {
  await admin.deleteTopics({ topics: [name] });
  while ((await admin.listTopics()).includes(name)) await sleep(10);
}

export const never = new AbortController().signal;

/** The window that follows `sequence - 1`, of `rows` rows. */
export function windowOf(sequence: number, rows = 10): Window & { sequence: number } {
  const at = (orderId: number) => ({ createdAt: '2025-11-18T10:00:00.000000Z', orderId: String(orderId) });
  return { sequence, lower: at((sequence - 1) * rows), upper: at(sequence * rows) };
}

/** Rows `first` to `first + count - 1` in chunks of up to 1,000. */
export async function* rowsFrom(first: number, count: number): AsyncGenerator<OutgoingMessage[]> {
  for (let start = 0; start < count; start += 1_000) {
    await Promise.resolve();
    yield Array.from({ length: Math.min(1_000, count - start) }, (_, i) => rowOf(first + start + i));
  }
}

export function rowOf(id: number): OutgoingMessage {
  const value =
    `{"order_id":${id},"customer_name":"Alice","restaurant_name":"Spice Garden","item":"Butter Chicken",` +
    '"amount":350.00,"order_status":"DELIVERED","created_at":"2025-11-18T10:00:00.123456Z"}';
  return { key: String(id), value: Buffer.from(value) };
}

export function publishRows(
  topic: OrdersTopic,
  window: Window & { sequence: number },
  rows: () => AsyncIterable<readonly OutgoingMessage[]>,
  signal: AbortSignal = never,
): Promise<{ rows: number; already: boolean }> {
  return topic.publish(window, rows, { signal, onProgress: () => undefined, onOversized: refuseOversized });
}

/** For tests whose rows all fit. */
export const refuseOversized = () => Promise.reject(new Error('a row was taken for oversized'));

/** Ranges over all that committed readers may see. */
export async function everything(topic: OrdersTopic): Promise<OffsetRange[]> {
  const { earliest, stable } = await topic.offsets();
  return Object.entries(stable).map(([partition, to]) => ({
    partition: Number(partition),
    from: earliest[partition] ?? '0',
    to,
  }));
}

export async function readRanges(
  topic: OrdersTopic,
  ranges: readonly OffsetRange[],
  signal: AbortSignal = never,
): Promise<IncomingMessage[]> {
  const messages: IncomingMessage[] = [];
  await topic.read(ranges, (chunk) => void messages.push(...chunk), { signal });
  return messages;
}

/** The keys, in the order of reading. */
export function keysOf(messages: readonly IncomingMessage[]): string[] {
  return messages.map(({ key }) => key?.toString() ?? 'null');
}

export function sortedIds(messages: readonly IncomingMessage[]): number[] {
  return keysOf(messages)
    .map(Number)
    .sort((a, b) => a - b);
}

/** 1, 2, … `to`. */
export function upTo(to: number): number[] {
  return Array.from({ length: to }, (_, i) => i + 1);
}
