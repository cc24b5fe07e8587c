import type { KafkaJSProtocolError } from 'kafkajs';
import { createErrorFromCode } from 'kafkajs/src/protocol/error';

/** Kafka's names of the codes that kafkajs does not know: those of Kafka 2.7 to 4.1. */
const NEWER: readonly string[] = [
  'THROTTLING_QUOTA_EXCEEDED', // 89
  'PRODUCER_FENCED',
  'RESOURCE_NOT_FOUND',
  'DUPLICATE_RESOURCE',
  'UNACCEPTABLE_CREDENTIAL',
  'INCONSISTENT_VOTER_SET',
  'INVALID_UPDATE_VERSION',
  'FEATURE_UPDATE_FAILED',
  'PRINCIPAL_DESERIALIZATION_FAILURE',
  'SNAPSHOT_NOT_FOUND',
  'POSITION_OUT_OF_RANGE',
  'UNKNOWN_TOPIC_ID', // 100
  'DUPLICATE_BROKER_REGISTRATION',
  'BROKER_ID_NOT_REGISTERED',
  'INCONSISTENT_TOPIC_ID',
  'INCONSISTENT_CLUSTER_ID',
  'TRANSACTIONAL_ID_NOT_FOUND',
  'FETCH_SESSION_TOPIC_ID_ERROR',
  'INELIGIBLE_REPLICA',
  'NEW_LEADER_ELECTED',
  'OFFSET_MOVED_TO_TIERED_STORAGE',
  'FENCED_MEMBER_EPOCH', // 110
  'UNRELEASED_INSTANCE_ID',
  'UNSUPPORTED_ASSIGNOR',
  'STALE_MEMBER_EPOCH',
  'MISMATCHED_ENDPOINT_TYPE',
  'UNSUPPORTED_ENDPOINT_TYPE',
  'UNKNOWN_CONTROLLER_ID',
  'UNKNOWN_SUBSCRIPTION_ID',
  'TELEMETRY_TOO_LARGE',
  'INVALID_REGISTRATION',
  'TRANSACTION_ABORTABLE', // 120
  'INVALID_RECORD_STATE',
  'SHARE_SESSION_NOT_FOUND',
  'INVALID_SHARE_SESSION_EPOCH',
  'FENCED_STATE_EPOCH',
  'INVALID_VOTER_KEY',
  'DUPLICATE_VOTER',
  'VOTER_NOT_FOUND',
  'INVALID_REGULAR_EXPRESSION',
  'REBOOTSTRAP_REQUIRED',
  'STREAMS_INVALID_TOPOLOGY', // 130
  'STREAMS_INVALID_TOPOLOGY_EPOCH',
  'STREAMS_TOPOLOGY_FENCED',
  'SHARE_SESSION_LIMIT_REACHED',
];
const FIRST_NEWER = 89;

/** Throws the error that a response's code stands for; 0 is success. */
export function checkCode(code: number): void {
  if (code !== 0) throw createErrorFromCode(code);
}

/** The name of a protocol error, as Kafka's own tools print it but for the few that kafkajs calls by an older one. */
export function protocolName({ type, message }: Pick<KafkaJSProtocolError, 'type' | 'message'>): string {
  if (type === 'UNKNOWN') return 'UNKNOWN_SERVER_ERROR';
  if (type !== 'KAFKAJS_UNKNOWN_ERROR_CODE') return type;
  // It keeps the number in its words alone.
  const code = Number(/\d+/.exec(message)?.[0]);
  return NEWER[code - FIRST_NEWER] ?? `error code ${code} of a Kafka newer than 4.1`;
}
