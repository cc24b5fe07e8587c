import { Kafka, KafkaJSAggregateError, logLevel, type Admin } from 'kafkajs';
import { pause } from './abort';
import { isMoved, kindOf } from './errors';
import type { KafkaTopicOptions } from './options';
import { checkPartitionCount } from './partition-count';

/** A new topic's leaders are elected in some milliseconds; ten seconds without them is an outage. */
const LEADERS_WITHIN_MS = 10_000;

/** See OrdersTopic.ensure. Looks before it creates, because the user may lack the right to create. */
export async function ensureTopic(options: KafkaTopicOptions): Promise<void> {
  const admin = adminOf(options);
  try {
    await admin.connect();
    const existing = await countPartitions(admin, options.topic);
    if (existing === undefined) await create(admin, options);
    const found = existing ?? (await countNewPartitions(admin, options.topic));
    checkPartitionCount(options, found);
  } finally {
    await admin.disconnect();
  }
}

function adminOf({ brokers, clientId, ssl, sasl }: KafkaTopicOptions): Admin {
  const kafka = new Kafka({
    brokers,
    clientId: clientId ?? 'orders-stream',
    connectionTimeout: 5_000,
    requestTimeout: 15_000,
    retry: { retries: Math.max(2, brokers.length), initialRetryTime: 50, maxRetryTime: 500 },
    logLevel: logLevel.NOTHING,
    ...(ssl === undefined ? {} : { ssl }),
    ...(sasl === undefined ? {} : { sasl }),
  });
  return kafka.admin();
}

async function create(admin: Admin, { topic, numPartitions, replicationFactor }: KafkaTopicOptions) {
  try {
    // Resolves with false where another process was faster.
    await admin.createTopics({
      topics: [{ topic, numPartitions, replicationFactor }],
      waitForLeaders: false,
    });
  } catch (error) {
    // kafkajs hides what went wrong in a list.
    throw error instanceof KafkaJSAggregateError ? (error.errors[0] ?? error) : error;
  }
}

/** Number of partitions, `undefined` where there is no such topic. */
async function countPartitions(admin: Admin, topic: string): Promise<number | undefined> {
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    return topics[0]?.partitions.length;
  } catch (error) {
    if (kindOf(error) === 'UNKNOWN_TOPIC_OR_PARTITION') return undefined;
    throw error;
  }
}

async function countNewPartitions(admin: Admin, topic: string): Promise<number> {
  for (const deadline = Date.now() + LEADERS_WITHIN_MS; ;) {
    try {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
      const partitions = topics[0]?.partitions ?? [];
      if (partitions.length > 0 && partitions.every(({ leader }) => leader >= 0)) return partitions.length;
    } catch (error) {
      if (!isMoved(error)) throw error;
    }
    if (Date.now() > deadline)
      throw new Error(`topic ${topic} has no leaders ${LEADERS_WITHIN_MS} ms after its creation`);
    await pause(50, undefined);
  }
}
