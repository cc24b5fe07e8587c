import { Kafka, KafkaJSAggregateError, logLevel, type Admin } from 'kafkajs';
import { pause, type ConnectionPool, isMoved, kindOf, type KafkaTopicOptions } from '../transport';
import { logBounds } from './log-bounds';

/** A new topic's leaders serve it after some milliseconds; ten seconds without them is transient. */
const LEADERS_WITHIN_MS = 10_000;

/** See OrdersTopic.ensure. Looks before it creates, because the user may lack the right to create. */
export async function ensureTopic(options: KafkaTopicOptions, pool: ConnectionPool): Promise<void> {
  const admin = adminOf(options);
  try {
    await admin.connect();
    if (!(await exists(admin, options.topic))) await createTopic(admin, options);
  } finally {
    await admin.disconnect();
  }
  await awaitLeaders(pool);
}

export function adminOf({ brokers, clientId, ssl, sasl }: KafkaTopicOptions): Admin {
  const kafka = new Kafka({
    brokers,
    clientId: clientId ?? 'orders-stream',
    connectionTimeout: 5_000,
    requestTimeout: 15_000,
    retry: { retries: Math.max(2, brokers.length), initialRetryTime: 50, maxRetryTime: 500 },
    logLevel: logLevel.NOTHING,
    ssl,
    sasl,
  });
  return kafka.admin();
}

async function exists(admin: Admin, topic: string): Promise<boolean> {
  try {
    await admin.fetchTopicMetadata({ topics: [topic] });
    return true;
  } catch (error) {
    if (kindOf(error) === 'UNKNOWN_TOPIC_OR_PARTITION') return false;
    throw error;
  }
}

/** Throws what Kafka says, also with `validateOnly`, where nothing is created. */
export async function createTopic(
  admin: Admin,
  options: KafkaTopicOptions,
  { validateOnly = false } = {},
): Promise<void> {
  const { topic, numPartitions, replicationFactor } = options;
  try {
    // Resolves with false where another process was faster.
    await admin.createTopics({
      topics: [{ topic, numPartitions, replicationFactor }],
      waitForLeaders: false,
      validateOnly,
    });
  } catch (error) {
    // kafkajs hides what went wrong in a list.
    throw error instanceof KafkaJSAggregateError ? (error.errors[0] ?? error) : error;
  }
}

/**
 * Asks the leaders for something until they answer. Metadata names a leader some milliseconds before that
 * broker knows that it is one, so waiting for names (as kafkajs does) lets the first publish fail.
 */
async function awaitLeaders(pool: ConnectionPool): Promise<void> {
  for (const deadline = Date.now() + LEADERS_WITHIN_MS; ;) {
    try {
      await pool.run(undefined, (connection) => logBounds(connection, connection.partitions));
      return;
    } catch (error) {
      if (!isMoved(error) || Date.now() > deadline) throw error;
      await pause(50, undefined);
    }
  }
}
