/** Looks at brokers and topic, for the doctor and for verify. Reads only. */
export { TRANSACTION_TIMEOUT_MS } from '../producer';
export { validateSettings, retentionOf } from '../topic';
export { checkPartitionCount } from '../transport';
export { inspectKafka, type KafkaFacts, type TopicFacts } from './inspect';
export { openTransactions } from './open-transactions';
export { stableOffsets } from './stable-offsets';
