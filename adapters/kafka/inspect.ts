/** Facts about brokers and topic, for those who judge whether the pipeline can live with them. Changes nothing. */
import { ConfigResourceTypes, type Admin } from 'kafkajs';
import type { Progress } from '../../activities/interfaces';
import { Connection } from './connection';
import { adminOf } from './ensure-topic';
import { explain, kindOf } from './errors';
import type { KafkaTopicOptions } from './options';
import { readProgress } from './progress-record';
import { missingRights, type Right } from './rights';

/** OffsetFetch with require_stable, of Kafka 2.5. */
const OFFSET_FETCH = { apiKey: 9, version: 7 };

export interface KafkaFacts {
  /** Brokers in the cluster. */
  brokers: number;
  /** Kafka 2.5 or newer. */
  newEnough: boolean;
  /** The user may not see whether the topic exists. */
  topicIsHidden: boolean;
  /** Absent where it does not exist, or is hidden. */
  topic?: { partitions: number; replicas: number; inSync: number };
  /** By name; empty where the user may not see them. */
  topicConfig: Record<string, string>;
  brokerConfig: Record<string, string>;
  /** Rights that the pipeline needs and the user lacks. */
  missing: Right[];
  /** Absent where there is none, or the user may not see it. */
  progress?: Progress;
}

const TOPIC_CONFIG = [
  'min.insync.replicas',
  'max.message.bytes',
  'retention.ms',
  'retention.bytes',
  'cleanup.policy',
];
const BROKER_CONFIG = ['offsets.retention.minutes', 'transaction.max.timeout.ms'];

/** Rejects with a LastingFailure where the login or the name is wrong, and as an outage where no broker answers. */
export async function inspectKafka(options: KafkaTopicOptions): Promise<KafkaFacts> {
  const connection = new Connection(options);
  const admin = adminOf(options);
  try {
    await connection.openWithoutTopic();
    await admin.connect();
    const [anyNode = ''] = connection.nodeIds();
    const { versions } = await connection.broker(anyNode);
    const { topic, hidden: topicIsHidden } = await lookUpTopic(admin, options.topic);
    const topicIs = topicIsHidden ? 'hidden' : topic === undefined ? 'missing' : 'there';
    const missing = await missingRights(connection, admin, { ...options, topicIs });
    const progress = await seen(readProgress(connection, undefined));
    return {
      brokers: connection.nodeIds().length,
      newEnough: (versions[OFFSET_FETCH.apiKey]?.maxVersion ?? 0) >= OFFSET_FETCH.version,
      topicIsHidden,
      ...(topic === undefined ? {} : { topic }),
      topicConfig:
        topic === undefined
          ? {}
          : await configOf(admin, ConfigResourceTypes.TOPIC, options.topic, TOPIC_CONFIG),
      brokerConfig: await configOf(admin, ConfigResourceTypes.BROKER, anyNode, BROKER_CONFIG),
      missing,
      ...(progress === undefined ? {} : { progress }),
    };
  } catch (error) {
    throw explain(error, 'looking at brokers and topic', options.brokers);
  } finally {
    connection.destroy();
    await admin.disconnect();
  }
}

async function lookUpTopic(
  admin: Admin,
  name: string,
): Promise<{ topic?: KafkaFacts['topic']; hidden: boolean }> {
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
