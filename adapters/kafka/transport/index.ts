/** Connections to brokers, requests over them, and what their errors mean. Knows kafkajs; knows of no topic's contents. */
export { inTime, pause, untilAborted } from './abort';
export { Connection, REQUEST_TIMEOUT_MS } from './connection';
export { ConnectionPool } from './connection-pool';
export { checkCode, explain, isMoved, kindOf } from './errors';
export { ADVISED, configureTopic, kafkaTool } from './kafka-tool';
export { type KafkaTopicOptions, topicOptions } from './options';
export { checkPartitionCount } from './partition-count';
export { type Receiver, send } from './send-request';
export { wire, WireReader } from './wire';
