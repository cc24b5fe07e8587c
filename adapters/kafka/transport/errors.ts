import type { KafkaJSProtocolError } from 'kafkajs';
import { NonRetryableError } from '../../../domain/errors';
import { namesIn, tlsProblem } from '../../shared/tls-problem';
import { protocolName } from './error-codes';
import { HINTS, NON_RETRYABLE, type Where } from './error-hints';

export { checkCode } from './error-codes';

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

/** The name of a Kafka protocol error, else the error's. */
export function kindOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const { type, message } = error as Partial<KafkaJSProtocolError>;
  if (typeof type === 'string') return protocolName({ type, message: message ?? '' });
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
export function isUnresponsive(error: unknown): boolean {
  return kindOf(error) === 'KafkaJSRequestTimeoutError';
}

/** The error to show for one that came out of Kafka: non-retryable or transient, and always where and during what. */
export function explain(error: unknown, doing: string, at: Where): Error {
  if (error instanceof NonRetryableError) return error;
  const kind = kindOf(error);
  const text = wordsOf(error);
  const where = `Kafka at ${at.brokers.join(', ')}, ${doing}`;
  const nonRetryable = NON_RETRYABLE[kind];
  if (nonRetryable !== undefined) {
    return new NonRetryableError(nonRetryable.type, `${where}: ${text} (${kind}): ${nonRetryable.advice}`, {
      cause: error,
    });
  }
  const tls = tlsProblem(error, namesIn('kafka'));
  if (tls?.nonRetryable === true)
    return new NonRetryableError('InvalidSettings', `${where}: ${text}: ${tls.advice}`, { cause: error });
  const known = tls?.advice ?? HINTS[kind] ?? HINTS[codeOf(error)];
  const hint = typeof known === 'function' ? known(at) : known;
  return new Error(`${where}: ${text} (${kind})${hint === undefined ? '' : `: ${hint}`}`, { cause: error });
}

/** kafkajs has no words for codes that it does not know. */
function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message.startsWith('Unknown error code') ? 'Kafka refused the request' : error.message;
}
