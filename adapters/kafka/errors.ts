import type { KafkaJSProtocolError } from 'kafkajs';
import { createErrorFromCode } from 'kafkajs/src/protocol/error';
import { LastingFailure, type LastingFailureType } from '../../model/errors';
import { namesIn, tlsProblem } from '../tls-problem';

const GRANT =
  'grant it with kafka-acls (`npm run orders -- doctor` names it, the README lists all), then start the workflow again';
const SETTINGS = 'correct the kafka section of the settings file';

/**
 * Errors that no retry mends, by kafkajs's error `type` or, where it has none, its `name`. Whatever is not
 * here is an outage.
 */
const LASTING: Record<string, { type: LastingFailureType; advice: string }> = {
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
  POLICY_VIOLATION: {
    type: 'InvalidSettings',
    advice: `the brokers' policy refuses this topic; ${SETTINGS}`,
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
const TOO_LARGE = "raise the topic's max.message.bytes to 1 MiB or more";

/** Outages whose own words do not say what to look at. */
const HINTS: Record<string, string> = {
  MESSAGE_TOO_LARGE: TOO_LARGE,
  RECORD_LIST_TOO_LARGE: TOO_LARGE,
  // Its end is written to each partition that it wrote; until then nothing more is published.
  CONCURRENT_TRANSACTIONS:
    'the transaction before is still being ended; if it goes on, a partition of the topic has no leader or too few replicas in sync',
  NOT_ENOUGH_REPLICAS: NOT_IN_SYNC,
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: NOT_IN_SYNC,
  KafkaJSConnectionClosedError: OTHER_LISTENER,
  ILLEGAL_SASL_STATE: OTHER_LISTENER,
  ECONNRESET: OTHER_LISTENER,
  INVALID_REPLICATION_FACTOR: 'fewer brokers are there than kafka.replication_factor asks for',
  LEADER_NOT_AVAILABLE: 'no broker that has all of a partition is there: bring the missing ones back',
  KafkaJSRequestTimeoutError:
    'the broker hangs, or waits for others that are away, or nothing comes through to it',
  REQUEST_TIMED_OUT: 'the other brokers that count as in sync did not confirm in time',
  GROUP_COORDINATOR_NOT_AVAILABLE: NO_COORDINATOR,
  GROUP_LOAD_IN_PROGRESS: 'a broker has just taken over groups or transactions, and is reading them',
  UNKNOWN_MEMBER_ID: 'a consumer is active in this group; stop it or set another kafka.consumer_group',
  INVALID_PRODUCER_EPOCH: 'a newer attempt of this publish, or a second capture, has taken over',
  PRODUCER_FENCED: 'a newer attempt of this publish, or a second capture, has taken over',
  INVALID_PRODUCER_ID_MAPPING: 'the brokers have forgotten this producer; the next attempt registers again',
};

/** Codes newer than kafkajs's list. */
const NEWER_CODES: Record<number, string> = {
  89: 'THROTTLING_QUOTA_EXCEEDED',
  90: 'PRODUCER_FENCED',
  100: 'UNKNOWN_TOPIC_ID',
  103: 'INCONSISTENT_TOPIC_ID',
  113: 'UNSUPPORTED_ENDPOINT_TYPE',
  120: 'TRANSACTION_ABORTABLE',
};

/** Other words of Kafka's protocol for "ask again, elsewhere": leaders and coordinators that moved or are just starting. */
const MOVED = new Set([
  'UNKNOWN_TOPIC_OR_PARTITION',
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_FOR_PARTITION',
  'LISTENER_NOT_FOUND',
  'REPLICA_NOT_AVAILABLE',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
  'OFFSET_NOT_AVAILABLE',
  'KAFKA_STORAGE_ERROR',
  'INCONSISTENT_TOPIC_ID',
  'GROUP_LOAD_IN_PROGRESS',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR_FOR_GROUP',
  'NETWORK_EXCEPTION',
  'KafkaJSConnectionError',
  'KafkaJSConnectionClosedError',
  'KafkaJSBrokerNotFound',
]);

/** kafkajs's error type of a Kafka protocol error, else the error's name. */
export function kindOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const { type } = error as Partial<KafkaJSProtocolError>;
  if (typeof type === 'string') return type;
  // After its retries kafkajs wraps the last error in one that says nothing.
  if (error.name === 'KafkaJSNumberOfRetriesExceeded' && error.cause instanceof Error)
    return kindOf(error.cause);
  return error.name;
}

/** Of the socket, where kafkajs has kept it. */
function codeOf(error: unknown): string {
  const { code, cause } = error as { code?: unknown; cause?: unknown };
  if (typeof code === 'string') return code;
  return cause instanceof Error ? codeOf(cause) : '';
}

/** Whether another try on a new connection, with fresh metadata, may work at once. */
export function isMoved(error: unknown): boolean {
  return MOVED.has(kindOf(error)) && tlsProblem(error, namesIn('kafka')) === undefined;
}

/** Whether the broker did not answer at all, as on a half-open connection. */
export function isSilence(error: unknown): boolean {
  return kindOf(error) === 'KafkaJSRequestTimeoutError';
}

/** Throws the error that a response's code stands for; 0 is success. */
export function checkCode(code: number): void {
  if (code === 0) return;
  const error = createErrorFromCode(code);
  const newer = NEWER_CODES[code];
  if (newer !== undefined) Object.assign(error, { type: newer, code, message: newer });
  throw error;
}

/** The error to show for one that came out of Kafka: lasting or an outage, and always where and during what. */
export function explain(error: unknown, doing: string, brokers: readonly string[]): Error {
  if (error instanceof LastingFailure) return error;
  const kind = kindOf(error);
  const text = error instanceof Error ? error.message : String(error);
  const where = `Kafka at ${brokers.join(', ')}, ${doing}`;
  const lasting = LASTING[kind];
  if (lasting !== undefined) {
    return new LastingFailure(lasting.type, `${where}: ${text} (${kind}): ${lasting.advice}`, {
      cause: error,
    });
  }
  const tls = tlsProblem(error, namesIn('kafka'));
  if (tls?.lasting === true)
    return new LastingFailure('InvalidSettings', `${where}: ${text}: ${tls.advice}`, { cause: error });
  const hint = tls?.advice ?? HINTS[kind] ?? HINTS[codeOf(error)];
  return new Error(`${where}: ${text} (${kind})${hint === undefined ? '' : `: ${hint}`}`, { cause: error });
}
