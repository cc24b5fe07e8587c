/** Facts about brokers and topic, for those who check whether the pipeline can live with them. Changes nothing. */
import { ConfigResourceTypes, type Admin } from 'kafkajs';
import type { Progress } from '../../../ports';
import { NonRetryableError } from '../../../domain/errors';
import type { OpenTransaction } from '../../../domain/open-transaction';
import { inTime, Connection, explain, isMoved, kindOf, type KafkaTopicOptions } from '../transport';
import { adminOf, VALIDATED } from '../topic';
import { readProgress } from '../producer';
import { heldTransactions } from './stable-offsets';
import { missingRights, type Right } from './rights';

/** OffsetFetch with require_stable, of Kafka 2.5. */
const OFFSET_FETCH = { apiKey: 9, version: 7 };

/** A transaction of the capture is open for a second or two. */
const HELD_TIMEOUT_MS = 5_000;

export interface KafkaFacts {
  /** Brokers in the cluster that are there now, by the addresses that they tell. */
  brokers: string[];
  /** Kafka 2.5 or newer. */
  newEnough: boolean;
  /** The user may not see whether the topic exists. */
  topicIsHidden: boolean;
  /** Absent where it does not exist, or is hidden. */
  topic?: TopicFacts;
  /** Kafka's own topics that the pipeline relies on, by name; without those that do not exist yet or may not be seen. */
  internal: Record<string, TopicFacts>;
  /** By name; empty where the user may not see them. */
  topicConfig: Record<string, string>;
  brokerConfig: Record<string, string>;
  /** Transactions of others that keep the topic from being read to its end. */
  heldBy: OpenTransaction[];
  /** Rights that the pipeline needs and the user lacks. */
  missing: Right[];
  /** Why transactions, or the groups, cannot be used now. Absent where they can. */
  trouble?: Error;
  /** Absent where there is none, or the user may not see it. */
  progress?: Progress;
}

export interface TopicFacts {
  partitions: number;
  /** Of the partition with the fewest. */
  replicas: number;
  inSync: number;
}

/** Transactions, and the progress record. */
const INTERNAL = ['__transaction_state', '__consumer_offsets'];

const TOPIC_CONFIG = [...VALIDATED, 'min.insync.replicas', 'unclean.leader.election.enable'];
const BROKER_CONFIG = ['offsets.retention.minutes', 'transaction.max.timeout.ms'];

/** Rejects with a NonRetryableError where the login or the name is wrong, and as a transient error where no broker answers. */
export async function inspectKafka(options: KafkaTopicOptions): Promise<KafkaFacts> {
  const connection = new Connection(options);
  const admin = adminOf(options);
  try {
    await connection.openWithoutTopic();
    await admin.connect();
    const { nodeId, versions } = await connection.anyBroker();
    const { brokers } = await admin.describeCluster();
    const { topic, hidden: topicIsHidden } = await lookUpTopic(admin, options.topic);
    // Side by side and each with its own limit: with brokers away either may wait for long, and the rest is still to be told.
    const held = topic === undefined ? [] : lookForTransactions(options);
    const topicIs = topicIsHidden ? 'hidden' : topic === undefined ? 'missing' : 'there';
    const tried = tryTransactions(connection, admin, { ...options, topicIs });
    await Promise.allSettled([held, tried]);
    return {
      brokers: brokers.map(({ host, port }) => `${host}:${port}`),
      newEnough: (versions[OFFSET_FETCH.apiKey]?.maxVersion ?? 0) >= OFFSET_FETCH.version,
      topicIsHidden,
      topic,
      topicConfig:
        topic === undefined
          ? {}
          : await configOf(admin, ConfigResourceTypes.TOPIC, options.topic, TOPIC_CONFIG),
      heldBy: await held,
      internal: await lookUpInternal(admin),
      brokerConfig: await configOf(admin, ConfigResourceTypes.BROKER, String(nodeId), BROKER_CONFIG),
      ...(await tried),
    };
  } catch (error) {
    throw explain(error, 'looking at brokers and topic', options);
  } finally {
    connection.destroy();
    await admin.disconnect();
  }
}

async function lookForTransactions(options: KafkaTopicOptions): Promise<OpenTransaction[]> {
  try {
    // The settings' number of partitions is checked elsewhere.
    const look = heldTransactions({ ...options, numPartitions: 1 }, HELD_TIMEOUT_MS);
    return await inTime(look, HELD_TIMEOUT_MS + 2_000, late);
  } catch (error) {
    // Partitions without a leader and rights that are missing are findings of their own.
    if (isRefusal(error) || isMoved(error) || error === LATE) return [];
    throw error;
  }
}

/** Whoever looks gives up after 10 s altogether. */
const PART_MS = 4_000;
const LATE = new Error('no answer within some seconds');
const late = (): Error => LATE;

/** While transactions hang, the rest is still to be told. */
async function tryTransactions(
  connection: Connection,
  admin: Admin,
  options: Parameters<typeof missingRights>[2],
): Promise<Pick<KafkaFacts, 'missing' | 'trouble' | 'progress'>> {
  try {
    const missing = await inTime(missingRights(connection, admin, options), PART_MS, late);
    const progress = await seen(inTime(readProgress(connection, undefined), PART_MS, late));
    return { missing, progress };
  } catch (error) {
    const trouble = explain(error, 'trying transactions and groups', options);
    if (trouble instanceof NonRetryableError) throw trouble;
    return { missing: [], trouble };
  }
}

async function lookUpInternal(admin: Admin): Promise<KafkaFacts['internal']> {
  const found: KafkaFacts['internal'] = {};
  for (const name of INTERNAL) {
    const { topic } = await lookUpTopic(admin, name);
    if (topic !== undefined) found[name] = topic;
  }
  return found;
}

async function lookUpTopic(admin: Admin, name: string): Promise<{ topic?: TopicFacts; hidden: boolean }> {
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [name] });
    const partitions = topics[0]?.partitions ?? [];
    const topic = {
      partitions: partitions.length,
      replicas: Math.min(...partitions.map(({ replicas }) => replicas.length)),
      inSync: Math.min(...partitions.map(({ isr }) => isr.length)),
    };
    return { topic, hidden: false };
  } catch (error) {
    if (isRefusal(error)) return { hidden: true };
    if (kindOf(error) === 'UNKNOWN_TOPIC_OR_PARTITION') return { hidden: false };
    throw error;
  }
}

async function configOf(
  admin: Admin,
  type: ConfigResourceTypes,
  name: string,
  configNames: string[],
): Promise<Record<string, string>> {
  const described = await seen(
    admin.describeConfigs({ resources: [{ type, name, configNames }], includeSynonyms: false }),
  );
  return Object.fromEntries(
    (described?.resources ?? []).flatMap(({ configEntries }) =>
      configEntries.map(({ configName, configValue }) => [configName, configValue]),
    ),
  );
}

const isRefusal = (error: unknown) => /AUTHORIZATION_FAILED$/.test(kindOf(error));

/** `undefined` where the user may not see it. */
async function seen<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isRefusal(error)) return undefined;
    throw error;
  }
}
