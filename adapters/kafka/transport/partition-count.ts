import { NonRetryableError } from '../../../domain/errors';
import { kafkaTool } from './kafka-tool';
import type { KafkaTopicOptions } from './options';

/**
 * NonRetryableError TopicMismatch where the topic has fewer partitions than the settings ask for. More is fine: Kafka can
 * add partitions, so the topic's own number counts.
 */
export function checkPartitionCount(options: KafkaTopicOptions, found: number): void {
  const { topic, numPartitions } = options;
  if (found >= numPartitions) return;
  const add = kafkaTool(options, 'kafka-topics.sh', `--alter --topic ${topic} --partitions ${numPartitions}`);
  throw new NonRetryableError(
    'TopicMismatch',
    `topic ${topic} has ${found} partitions, the settings ask for ${numPartitions} or more: set kafka.num_partitions to ` +
      `${found}, or add partitions: ${add}`,
  );
}
