/** The topic as a read_committed consumer sees it, by kafkajs's own decoding of Fetch, which the product does not use. */
import { connect as connectPlain, isIP } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { logLevel, type ISocketFactoryArgs, type SASLOptions } from 'kafkajs';
import Cluster from 'kafkajs/src/cluster';
import type { Broker } from 'kafkajs/src/cluster/types';
import Batch from 'kafkajs/src/consumer/batch';
import { createLogger } from 'kafkajs/src/loggers';
import type { Offsets } from './ledger';

/** Where the topic is: these keys of the settings. */
export interface TopicAddress {
  brokers: string[];
  topic: string;
  ssl: boolean | ConnectionOptions;
  sasl?: SASLOptions | undefined;
}

/** Of the protocol. */
const READ_COMMITTED = 1;
const LATEST = -1;
const EARLIEST = -2;

const FETCH_BYTES = 1_048_576;
const MAX_WAIT_MS = 1_000;
const TIMEOUT_MS = 30_000;

/** Where the view of a read_committed reader ends, and, `withKeys`, the key of every message up to there. */
export async function readTopic(
  address: TopicAddress,
  { withKeys }: { withKeys: boolean },
): Promise<{ end: Offsets; keys: string[] }> {
  const { topic } = address;
  const cluster = clusterOf(address);
  try {
    await cluster.connect();
    await cluster.addTargetTopic(topic);
    const end: Offsets = {};
    const keys: string[] = [];
    for (const { partitionId: partition, leader } of cluster.findTopicPartitionMetadata(topic)) {
      const broker = await cluster.findBroker({ nodeId: leader });
      end[partition] = await offsetAt(broker, topic, partition, LATEST);
      if (!withKeys) continue;
      const from = await offsetAt(broker, topic, partition, EARLIEST);
      keys.push(...(await keysOf(broker, { topic, partition, from, to: end[partition] })));
    }
    return { end, keys };
  } finally {
    await cluster.disconnect();
  }
}

async function offsetAt(
  broker: Broker,
  topic: string,
  partition: number,
  timestamp: number,
): Promise<string> {
  const { responses } = await broker.listOffsets({
    isolationLevel: READ_COMMITTED,
    topics: [{ topic, partitions: [{ partition, timestamp }] }],
  });
  const offset = responses[0]?.partitions[0]?.offset;
  if (offset === undefined) throw new Error(`no offset of partition ${partition}`);
  return offset;
}

async function keysOf(
  broker: Broker,
  { topic, partition, from, to }: { topic: string; partition: number; from: string; to: string },
): Promise<string[]> {
  const keys: string[] = [];
  const deadline = Date.now() + TIMEOUT_MS;
  for (let at = BigInt(from); at < BigInt(to);) {
    if (Date.now() > deadline) throw new Error(`partition ${partition} cannot be read beyond ${at}`);
    const { responses } = await broker.fetch({
      isolationLevel: READ_COMMITTED,
      maxWaitTime: MAX_WAIT_MS,
      minBytes: 1,
      maxBytes: FETCH_BYTES,
      topics: [{ topic, partitions: [{ partition, fetchOffset: String(at), maxBytes: FETCH_BYTES }] }],
    });
    const fetched = responses[0]?.partitions[0];
    if (fetched === undefined) continue;
    for (const { key, offset } of new Batch(topic, String(at), fetched).messages)
      if (BigInt(offset) < BigInt(to)) keys.push(String(key));
    // Ends of transactions are among them.
    const last = fetched.messages.at(-1);
    if (last !== undefined) at = BigInt(last.offset) + 1n;
  }
  return keys;
}

function clusterOf({ brokers, ssl, sasl }: TopicAddress): Cluster {
  return new Cluster({
    logger: createLogger({ level: logLevel.NOTHING, logCreator: () => () => undefined }),
    socketFactory: connect,
    brokers,
    clientId: 'oracle',
    connectionTimeout: TIMEOUT_MS,
    requestTimeout: TIMEOUT_MS,
    enforceRequestTimeout: true,
    retry: { retries: 5 },
    allowAutoTopicCreation: false,
    maxInFlightRequests: null,
    ssl: ssl || undefined,
    sasl,
  });
}

function connect({ host, port, ssl, onConnect }: ISocketFactoryArgs) {
  if (!ssl) return connectPlain({ host, port }, onConnect);
  return connectTls({ host, port, ...(isIP(host) ? {} : { servername: host }), ...ssl }, onConnect);
}
