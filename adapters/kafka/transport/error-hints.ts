/** What to look at, and what to do, for the errors of Kafka and kafkajs by name: see kindOf. */
import type { NonRetryableErrorType } from '../../../domain/errors';
import type { KafkaTopicOptions } from './options';
import { ADVISED, configureTopic, kafkaTool } from './kafka-tool';
import { ORDERS } from '../../../domain/table/orders';

/** Where a failed request went. */
export type Where = Pick<
  KafkaTopicOptions,
  'brokers' | 'topic' | 'numPartitions' | 'replicationFactor' | 'ssl' | 'sasl'
>;

const GRANT =
  'grant it with kafka-acls (`npm run orders -- doctor` names it, docs/security.md lists all), then start the workflow again';
const SETTINGS = 'correct the kafka section of the settings file';

/** Errors that no retry mends. Whatever is not here is transient. */
export const NON_RETRYABLE: Record<string, { type: NonRetryableErrorType; advice: string }> = {
  TOPIC_AUTHORIZATION_FAILED: {
    type: 'InsufficientPrivilege',
    advice: `the user lacks a right on the topic; ${GRANT}`,
  },
  GROUP_AUTHORIZATION_FAILED: {
    type: 'InsufficientPrivilege',
    advice: `the user lacks a right on the group; ${GRANT}`,
  },
  CLUSTER_AUTHORIZATION_FAILED: {
    type: 'InsufficientPrivilege',
    advice: `the user lacks a right on the cluster; ${GRANT}`,
  },
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: {
    type: 'InsufficientPrivilege',
    advice: `the user may not write transactions; ${GRANT}`,
  },
  KafkaJSSASLAuthenticationError: { type: 'InvalidSettings', advice: `the login was refused; ${SETTINGS}` },
  SASL_AUTHENTICATION_FAILED: { type: 'InvalidSettings', advice: `the login was refused; ${SETTINGS}` },
  UNSUPPORTED_SASL_MECHANISM: {
    type: 'InvalidSettings',
    advice: `the brokers offer other mechanisms; ${SETTINGS}`,
  },
  INVALID_TOPIC_EXCEPTION: {
    type: 'InvalidSettings',
    advice: `the topic's name is not allowed; ${SETTINGS}`,
  },
  INVALID_GROUP_ID: { type: 'InvalidSettings', advice: `the group's name is not allowed; ${SETTINGS}` },
  POLICY_VIOLATION: {
    type: 'InvalidSettings',
    advice: `the brokers' policy (create.topic.policy.class.name) refuses this topic; ${SETTINGS}`,
  },
  INVALID_TRANSACTION_TIMEOUT: {
    type: 'InvalidSettings',
    advice: "raise the brokers' transaction.max.timeout.ms to 120000 or more",
  },
  UNSUPPORTED_VERSION: { type: 'InvalidSettings', advice: 'Kafka 2.5 or newer is needed' },
};

const NOT_IN_SYNC =
  "fewer brokers hold the partition in sync than the topic's min.insync.replicas: bring them back, or lower it " +
  '(a coordinator of transactions that moves to another broker shows as this, too, for a moment)';
const NO_COORDINATOR =
  'the broker that keeps groups or transactions is away, or too few of those that keep its copies are there';
/** A listener that is asked for something else than it speaks says nothing, as a broker that goes away. */
const OTHER_LISTENER =
  'if it goes on, kafka.ssl or kafka.sasl is not what the listener at this address wants';
const TOO_LARGE = (where: Where) =>
  `raise the topic's limit, which is smaller than one message: ${configureTopic(where, ADVISED.messageBytes)}`;
const TAKEN_OVER = 'a newer attempt of this publish, or a second capture, has taken over';
const MOVED = 'leaders or coordinators are moving to other brokers; if it goes on, some brokers are away';
const BEGUN_ANEW = 'the brokers have forgotten this producer; the next attempt registers again';
const ACTIVE_GROUP = 'a consumer is active in this group; stop it or set another kafka.consumer_group';
const OURS = 'the brokers do not take a request as this version makes it; their log says why';

function createCommand(where: Where): string {
  const { topic, numPartitions, replicationFactor } = where;
  const size = `--partitions ${numPartitions} --replication-factor ${replicationFactor}`;
  return kafkaTool(where, 'kafka-topics.sh', `--create --topic ${topic} ${size}`);
}

const allowTimes = (where: Where): string =>
  configureTopic(where, `${ADVISED.timestampBefore},${ADVISED.timestampAfter}`);

/** Transient errors whose own words do not say what to look at. */
export const HINTS: Record<string, string | ((where: Where) => string)> = {
  MESSAGE_TOO_LARGE: TOO_LARGE,
  RECORD_LIST_TOO_LARGE: TOO_LARGE,
  INVALID_RECORD: (where) =>
    `a compacted topic takes no row without an ${ORDERS.key.name}, which has no key. Let it keep all messages: ` +
    configureTopic(where, 'cleanup.policy=delete'),
  INVALID_TIMESTAMP: (where) =>
    `the clocks of this worker and the brokers differ by more than the topic allows: set them right, or allow more: ${allowTimes(where)}`,
  UNSUPPORTED_COMPRESSION_TYPE: (where) =>
    `the brokers cannot compress as the topic's compression.type says: ${configureTopic(where, 'compression.type=producer')}`,
  CORRUPT_MESSAGE: 'bytes changed on their way to the broker, or on its disk',
  // Its end is written to each partition that it wrote; until then nothing more is published. Kafka 4.1 never tries again
  // where the topic's own limit has refused that.
  CONCURRENT_TRANSACTIONS: (where) =>
    'the transaction before is still being ended; if it goes on, a partition of the topic has no leader or too few ' +
    "replicas in sync, or the topic's message.timestamp.before.max.ms keeps the end out (a broker's log tells of " +
    `InvalidTimestampException): allow more, and start that broker again: ${allowTimes(where)}`,
  UNSTABLE_OFFSET_COMMIT:
    'the transaction before is still being ended; if it goes on, a partition of __consumer_offsets has no leader',
  NOT_ENOUGH_REPLICAS: NOT_IN_SYNC,
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: NOT_IN_SYNC,
  KafkaJSConnectionClosedError: OTHER_LISTENER,
  ILLEGAL_SASL_STATE: OTHER_LISTENER,
  ECONNRESET: OTHER_LISTENER,
  INVALID_REPLICATION_FACTOR: 'fewer brokers are there than kafka.replication_factor asks for',
  UNKNOWN_TOPIC_OR_PARTITION: (where) =>
    `the topic is not there. If it was deleted, make it again, and the workflows say what was lost: ${createCommand(where)}`,
  UNKNOWN_TOPIC_ID: MOVED,
  INCONSISTENT_TOPIC_ID: 'the topic was recreated, and not all brokers know it yet',
  LEADER_NOT_AVAILABLE: 'no broker that has all of a partition is there: bring the missing ones back',
  NOT_LEADER_FOR_PARTITION: MOVED,
  FENCED_LEADER_EPOCH: MOVED,
  UNKNOWN_LEADER_EPOCH: MOVED,
  OFFSET_NOT_AVAILABLE: MOVED,
  REPLICA_NOT_AVAILABLE: MOVED,
  BROKER_NOT_AVAILABLE: MOVED,
  NOT_COORDINATOR_FOR_GROUP: MOVED,
  TRANSACTION_COORDINATOR_FENCED: MOVED,
  NOT_CONTROLLER: MOVED,
  NETWORK_EXCEPTION: 'a broker lost its connection to another one',
  LISTENER_NOT_FOUND:
    'not all brokers have the listener that is asked: see their listeners and advertised.listeners',
  KAFKA_STORAGE_ERROR: 'a disk of a broker has failed or is full: see its log.dirs and its log',
  KafkaJSRequestTimeoutError:
    'the broker hangs, or waits for others that are away, or a quota holds it back, or nothing comes through to it',
  REQUEST_TIMED_OUT: 'the other brokers that count as in sync did not confirm in time',
  THROTTLING_QUOTA_EXCEEDED: 'a quota of the brokers for this user is used up',
  GROUP_COORDINATOR_NOT_AVAILABLE: NO_COORDINATOR,
  GROUP_LOAD_IN_PROGRESS: 'a broker has just taken over groups or transactions, and is reading them',
  UNKNOWN_MEMBER_ID: ACTIVE_GROUP,
  ILLEGAL_GENERATION: ACTIVE_GROUP,
  REBALANCE_IN_PROGRESS: ACTIVE_GROUP,
  FENCED_INSTANCE_ID: ACTIVE_GROUP,
  STALE_MEMBER_EPOCH: ACTIVE_GROUP,
  GROUP_ID_NOT_FOUND: ACTIVE_GROUP,
  OFFSET_METADATA_TOO_LARGE: "raise the brokers' offset.metadata.max.bytes to its default, 4096",
  INVALID_COMMIT_OFFSET_SIZE: "raise the brokers' offset.metadata.max.bytes to its default, 4096",
  INVALID_PRODUCER_EPOCH: TAKEN_OVER,
  PRODUCER_FENCED: TAKEN_OVER,
  INVALID_PRODUCER_ID_MAPPING: BEGUN_ANEW,
  UNKNOWN_PRODUCER_ID: BEGUN_ANEW,
  OUT_OF_ORDER_SEQUENCE_NUMBER: BEGUN_ANEW,
  DUPLICATE_SEQUENCE_NUMBER: BEGUN_ANEW,
  INVALID_TXN_STATE:
    'the transaction was ended elsewhere, by its timeout or kafka-transactions.sh; the next attempt begins another',
  TRANSACTION_ABORTABLE: 'the next attempt begins another transaction',
  OPERATION_NOT_ATTEMPTED: 'another partition of the same request was refused',
  INVALID_PARTITIONS: SETTINGS,
  INVALID_CONFIG: "the topic's settings contradict each other or the brokers'",
  INVALID_REQUIRED_ACKS: OURS,
  INVALID_REQUEST: OURS,
  UNSUPPORTED_FOR_MESSAGE_FORMAT: "the topic's message.format.version is older than Kafka 0.11: raise it",
  UNKNOWN_SERVER_ERROR: 'the broker failed in a way it did not expect: its log says how',
};
