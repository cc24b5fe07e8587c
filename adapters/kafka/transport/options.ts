import type { SASLOptions } from 'kafkajs';
import type { ConnectionOptions } from 'node:tls';
import type { Settings } from '../../../configs/schema';

/** Where warnings go. kafkajs logs much that is no news (each lost connection several times), so it may be left out. */
export interface KafkaLogger {
  warn(message: string, details?: Record<string, unknown>): void;
}

/** Which topic, where, and who reads it. */
export interface KafkaTopicOptions {
  /** `host:port` of some brokers; the others are found through them. */
  brokers: string[];
  topic: string;
  /** For a topic that does not exist; one that does may have more, not fewer. */
  numPartitions: number;
  /** For `ensure`: used only where the topic does not exist. */
  replicationFactor: number;
  /** The group whose offsets show the landing's position to lag tools. */
  consumerGroup: string;
  /** `true` for TLS with the system's certificates. Default: plain text. */
  ssl?: boolean | ConnectionOptions;
  /** Default: no login. */
  sasl?: SASLOptions;
  /** The name in the broker's logs and quotas. Default `orders-stream`. */
  clientId?: string;
  /** Default: silence. */
  logger?: KafkaLogger;
}

/** The options that the settings ask for. */
export function topicOptions(kafka: Settings['kafka']): KafkaTopicOptions {
  return {
    brokers: kafka.brokers,
    topic: kafka.topic,
    numPartitions: kafka.num_partitions,
    replicationFactor: kafka.replication_factor,
    consumerGroup: kafka.consumer_group,
    ssl: kafka.ssl,
    ...(kafka.sasl === undefined ? {} : { sasl: kafka.sasl }),
  };
}
