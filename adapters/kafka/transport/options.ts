import type { SASLOptions } from 'kafkajs';
import type { ConnectionOptions } from 'node:tls';
import type { Settings } from '../../../configs/schema';
import type { Telemetry } from '../../../ports';

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
  telemetry: Telemetry;
}

/** The options that the settings ask for. */
export function topicOptions(kafka: Settings['kafka'], telemetry: Telemetry): KafkaTopicOptions {
  return {
    telemetry,
    brokers: kafka.brokers,
    topic: kafka.topic,
    numPartitions: kafka.num_partitions,
    replicationFactor: kafka.replication_factor,
    consumerGroup: kafka.consumer_group,
    ssl: kafka.ssl,
    sasl: kafka.sasl,
  };
}
