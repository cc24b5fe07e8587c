/** Which rights the pipeline's user lacks, found by requests that change nothing. For the doctor. */
import type { Admin } from 'kafkajs';
import type { Broker } from 'kafkajs/src/cluster/types';
import { type Connection, checkCode, kindOf, type KafkaTopicOptions } from '../transport';
import { createTopic } from '../topic';
import { fetch } from '../reader';
import { fetchStableOffset, PROGRESS_GROUP, transactionalIdOf } from '../producer';

/** Kafka looks at the rights first, and only then sees that no transaction of this producer is open. */
const NOBODYS_PRODUCER = { producerId: '9223372036854775806', producerEpoch: 0 };

type Resource = 'topic' | 'group' | 'transactional-id';

/** A right as kafka-acls takes it: `--operation Write --topic orders`. */
export interface Right {
  operation: 'Read' | 'Write' | 'Create';
  resource: Resource;
  name: string;
}

const REFUSALS: Record<string, Resource> = {
  TOPIC_AUTHORIZATION_FAILED: 'topic',
  GROUP_AUTHORIZATION_FAILED: 'group',
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 'transactional-id',
};

/** What a request that would be allowed fails for, since it asks for nothing that exists. */
const ALLOWED_BUT_VAIN = new Set([
  'INVALID_PRODUCER_ID_MAPPING',
  'UNKNOWN_TOPIC_OR_PARTITION',
  'NOT_LEADER_FOR_PARTITION',
  'OFFSET_OUT_OF_RANGE',
  'INVALID_REPLICATION_FACTOR', // the doctor says that otherwise
]);

/**
 * Rights that are missing, each once. Reading a group is tried as part of a transaction, so a user with no more than
 * Describe on it is seen only once the transactional.id is allowed. Registering under the id would fence a capture that
 * runs, so a producer that does not exist asks.
 */
export async function missingRights(
  connection: Connection,
  admin: Admin,
  options: KafkaTopicOptions & { topicIs: 'there' | 'missing' | 'hidden' },
): Promise<Right[]> {
  const { topic, consumerGroup, topicIs } = options;
  const transactionalId = transactionalIdOf(topic);
  const asTransaction = (use: (coordinator: Broker) => Promise<unknown>) =>
    connection.coordinated('transaction', transactionalId, undefined, use);
  const producer = { transactionalId, ...NOBODYS_PRODUCER };
  const tryGroup = (group: string) => async () => {
    await connection.coordinated('group', group, undefined, (coordinator) =>
      fetchStableOffset(coordinator, { group, topic, partition: 0 }),
    );
    await asTransaction((coordinator) => coordinator.addOffsetsToTxn({ ...producer, groupId: group }));
  };

  const trials: [needed: Right[], attempt: () => Promise<unknown>][] = [
    [
      [
        { operation: 'Write', resource: 'transactional-id', name: transactionalId },
        { operation: 'Write', resource: 'topic', name: topic },
      ],
      () =>
        asTransaction((coordinator) =>
          coordinator.addPartitionsToTxn({ ...producer, topics: [{ topic, partitions: [0] }] }),
        ),
    ],
    [[{ operation: 'Read', resource: 'topic', name: topic }], () => fetchNothing(connection)],
    ...[PROGRESS_GROUP, consumerGroup].map((group): (typeof trials)[number] => [
      [{ operation: 'Read', resource: 'group', name: group }],
      tryGroup(group),
    ]),
  ];
  if (topicIs === 'missing') {
    const right: Right = { operation: 'Create', resource: 'topic', name: topic };
    trials.push([[right], () => createTopic(admin, options, { validateOnly: true })]);
  }

  const missing: Right[] = [];
  for (const [needed, attempt] of trials) {
    const failure: unknown = await attempt().then(
      () => undefined,
      (error: unknown) => error,
    );
    const kind = kindOf(failure);
    const refused = REFUSALS[kind];
    if (failure !== undefined && refused === undefined && !ALLOWED_BUT_VAIN.has(kind)) throw failure as Error;
    missing.push(...needed.filter(({ resource }) => resource === refused));
  }
  // Hidden behind the transactional.id; who might write could also see the topic.
  const write: Right = { operation: 'Write', resource: 'topic', name: topic };
  const told = missing.some(({ operation, resource }) => operation === 'Write' && resource === 'topic');
  return topicIs === 'hidden' && !told ? [...missing, write] : missing;
}

/** Any broker says whether reading is allowed, before it sees whether it leads the partition or knows the topic. */
async function fetchNothing(connection: Connection): Promise<void> {
  const broker = await connection.anyBroker();
  const offsets = [{ partition: 0, offset: 0n }];
  const [fetched] = await fetch(broker, { topic: connection.topic, offsets, maxBytes: 1, maxWaitMs: 0 });
  checkCode(fetched?.code ?? 0);
}
