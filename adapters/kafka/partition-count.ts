import { LastingFailure } from '../../model/errors';

/** LastingFailure TopicMismatch where the topic has not the number of partitions that the settings name. */
export function checkPartitionCount(topic: string, numPartitions: number, found: number): void {
  if (found === numPartitions) return;
  throw new LastingFailure(
    'TopicMismatch',
    `topic ${topic} has ${found} partitions, the settings say ${numPartitions}: set kafka.num_partitions to ` +
      `${found}, or name another kafka.topic (adding partitions would move keys between them)`,
  );
}
