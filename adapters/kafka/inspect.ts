/** Facts about brokers and topic, for those who judge whether the pipeline can live with them. Changes nothing. */
import { ConfigResourceTypes, type Admin } from 'kafkajs';
import type { Progress } from '../../activities/interfaces';
import { Connection } from './connection';
import { adminOf } from './ensure-topic';
import { explain, kindOf } from './errors';
import type { KafkaTopicOptions } from './options';
import { readProgress } from './progress-record';
import { transactionalIdOf } from './publisher';

/** OffsetFetch with require_stable, of Kafka 2.5. */
const OFFSET_FETCH = { apiKey: 9, version: 7 };

export interface KafkaFacts {
  /** Brokers in the cluster that are there now, by the addresses that they tell. */
  brokers: string[];
  /** Kafka 2.5 or newer. */
  newEnough: boolean;
  /** Absent where it does not exist. */
  topic?: TopicFacts;
  /** Kafka's own topics that the pipeline relies on, by name; without those that do not exist yet or may not be seen. */
  internal: Record<string, TopicFacts>;
  /** By name; empty where the user may not see them. */
  topicConfig: Record<string, string>;
  brokerConfig: Record<string, string>;
  /** Why transactions, or the groups, cannot be used: for good, or as an outage. Absent where they can. */
  refused?: Error;
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

const TOPIC_CONFIG = [
  'min.insync.replicas',
  'max.message.bytes',
  'retention.ms',
  'retention.bytes',
  'cleanup.policy',
  'unclean.leader.election.enable',
];
const BROKER_CONFIG = ['offsets.retention.minutes', 'transaction.max.timeout.ms'];

/** Rejects with a LastingFailure where the login or the name is wrong, and as an outage where no broker answers. */
export async function inspectKafka(options: KafkaTopicOptions): Promise<KafkaFacts> {
  const connection = new Connection(options);
  const admin = adminOf(options);
  try {
    await connection.openWithoutTopic();
    await admin.connect();
    const { nodeId, versions } = await connection.anyBroker();
    const { brokers } = await admin.describeCluster();
    const topic = await lookUpTopic(admin, options.topic);
    return {
      brokers: brokers.map(({ host, port }) => `${host}:${port}`),
      newEnough: (versions[OFFSET_FETCH.apiKey]?.maxVersion ?? 0) >= OFFSET_FETCH.version,
      ...(topic === undefined ? {} : { topic }),
      topicConfig:
        topic === undefined
          ? {}
          : await configOf(admin, ConfigResourceTypes.TOPIC, options.topic, TOPIC_CONFIG),
      internal: await lookUpInternal(admin),
      brokerConfig: await configOf(admin, ConfigResourceTypes.BROKER, String(nodeId), BROKER_CONFIG),
      ...(await tryTransactions(connection, options)),
    };
  } catch (error) {
    throw explain(error, 'looking at brokers and topic', options.brokers);
  } finally {
    connection.destroy();
    await admin.disconnect();
  }
}

async function lookUpInternal(admin: Admin): Promise<KafkaFacts['internal']> {
  const found: KafkaFacts['internal'] = {};
  for (const name of INTERNAL) {
    try {
      const facts = await lookUpTopic(admin, name);
      if (facts !== undefined) found[name] = facts;
    } catch (error) {
      if (kindOf(error) !== 'TOPIC_AUTHORIZATION_FAILED') throw error;
    }
  }
  return found;
}

async function lookUpTopic(admin: Admin, name: string): Promise<TopicFacts | undefined> {
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [name] });
    const partitions = topics[0]?.partitions ?? [];
    return {
      partitions: partitions.length,
      replicas: Math.min(...partitions.map(({ replicas }) => replicas.length)),
      inSync: Math.min(...partitions.map(({ isr }) => isr.length)),
    };
  } catch (error) {
    if (kindOf(error) === 'UNKNOWN_TOPIC_OR_PARTITION') return undefined;
    throw error;
  }
}

async function configOf(
  admin: Admin,
  type: ConfigResourceTypes,
  name: string,
  configNames: string[],
): Promise<Record<string, string>> {
  try {
    const { resources } = await admin.describeConfigs({
      resources: [{ type, name, configNames }],
      includeSynonyms: false,
    });
    return Object.fromEntries(
      resources.flatMap(({ configEntries }) =>
        configEntries.map(({ configName, configValue }) => [configName, configValue]),
      ),
    );
  } catch (error) {
    if (/AUTHORIZATION_FAILED$/.test(kindOf(error))) return {};
    throw error;
  }
}

/** Kafka looks at the rights first, and only then sees that no transaction of this producer is open. */
const NOBODYS_PRODUCER = { producerId: '9223372036854775806', producerEpoch: 0 };

/**
 * Whether a capture may use its transactional.id and its groups. Registering under the id would fence a capture that
 * runs, so a producer that does not exist asks to write: what it is refused for tells the rights.
 */
async function tryTransactions(
  connection: Connection,
  { topic, brokers }: KafkaTopicOptions,
): Promise<Pick<KafkaFacts, 'refused' | 'progress'>> {
  const transactionalId = transactionalIdOf(topic);
  try {
    await connection.coordinated('transaction', transactionalId, undefined, (coordinator) =>
      coordinator.addPartitionsToTxn({
        transactionalId,
        ...NOBODYS_PRODUCER,
        topics: [{ topic, partitions: [0] }],
      }),
    );
  } catch (error) {
    if (kindOf(error) !== 'INVALID_PRODUCER_ID_MAPPING' && kindOf(error) !== 'UNKNOWN_TOPIC_OR_PARTITION')
      return { refused: explain(error, `asking to write transactions as ${transactionalId}`, brokers) };
  }
  try {
    const progress = await readProgress(connection, undefined);
    return progress === undefined ? {} : { progress };
  } catch (error) {
    return { refused: explain(error, 'reading the progress record', brokers) };
  }
}
