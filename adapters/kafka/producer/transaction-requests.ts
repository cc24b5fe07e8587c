/** Requests of Kafka 2.8 and 3.0 that kafkajs does not know, in their first versions. */
import { type Connection, checkCode, isMoved, send, type Receiver, wire, WireReader } from '../transport';

const DESCRIBE_PRODUCERS = { apiKey: 61, apiVersion: 0, apiName: 'DescribeProducers' };
const DESCRIBE_TRANSACTIONS = { apiKey: 65, apiVersion: 0, apiName: 'DescribeTransactions' };
const LIST_TRANSACTIONS = { apiKey: 66, apiVersion: 0, apiName: 'ListTransactions' };

/** A producer with an open transaction on a partition. */
export interface ActiveProducer {
  producerId: bigint;
  /** Of its last message, milliseconds since 1970. */
  lastTimestamp: number;
  /** Of the transaction's first message. */
  startOffset: bigint;
}

/** By partition; `undefined` where brokers do not offer the request, and without those partitions whose leader moved. */
export async function describeProducers(
  connection: Connection,
  partitions: readonly number[],
): Promise<Map<number, ActiveProducer[]> | undefined> {
  const found = new Map<number, ActiveProducer[]>();
  for (const [nodeId, mine] of connection.leaders(partitions)) {
    const broker = await connection.broker(nodeId);
    if (broker.versions[DESCRIBE_PRODUCERS.apiKey] === undefined) return undefined;
    const topic = Buffer.concat([
      wire.compactString(connection.topic),
      wire.compactArray(mine.map(wire.int32)),
      wire.noTaggedFields,
    ]);
    const answers = await send(broker, DESCRIBE_PRODUCERS, request([topic]), decodeProducers);
    for (const { partition, code, producers } of answers) {
      if (isMovedCode(code)) found.set(partition, []);
      else {
        checkCode(code);
        found.set(
          partition,
          producers.filter(({ startOffset }) => startOffset >= 0n),
        );
      }
    }
  }
  return found;
}

/** The transactional ids of a producer that this broker coordinates; none where it does not offer the request. */
export async function listTransactions(broker: Receiver, producerId: bigint): Promise<string[]> {
  if (broker.versions[LIST_TRANSACTIONS.apiKey] === undefined) return [];
  const body = Buffer.concat([
    wire.noTaggedFields, // of the header
    wire.compactArray([]), // in any state
    wire.compactArray([wire.int64(producerId)]),
    wire.noTaggedFields,
  ]);
  return send(broker, LIST_TRANSACTIONS, body, (payload) => {
    const reader = afterHeader(payload);
    checkCode(reader.int16());
    reader.compactArray(() => reader.compactString()); // states that the broker does not know
    return reader.compactArray(() => {
      const transactionalId = reader.compactString() ?? '';
      reader.int64(); // producer
      reader.compactString(); // state
      reader.taggedFields();
      return transactionalId;
    });
  });
}

export interface TransactionTimes {
  ongoing: boolean;
  timeoutMs: number;
  /** Milliseconds since 1970. */
  startedAt: number;
}

/** What the coordinator knows of a transaction. */
export async function describeTransaction(
  connection: Connection,
  transactionalId: string,
): Promise<TransactionTimes> {
  return connection.coordinated('transaction', transactionalId, undefined, (coordinator) =>
    send(coordinator, DESCRIBE_TRANSACTIONS, request([wire.compactString(transactionalId)]), (payload) => {
      const reader = afterHeader(payload);
      const [answer] = reader.compactArray(() => {
        const code = reader.int16();
        reader.compactString(); // transactional id
        const state = reader.compactString();
        const timeoutMs = reader.int32();
        const startedAt = Number(reader.int64());
        reader.int64(); // producer
        reader.int16(); // its epoch
        reader.compactArray(() => {
          reader.compactString(); // topic
          reader.compactArray(() => reader.int32());
          reader.taggedFields();
        });
        reader.taggedFields();
        return { code, timeoutMs, startedAt, ongoing: state === 'Ongoing' };
      });
      if (answer === undefined) throw new Error(`no answer for transactional.id ${transactionalId}`);
      const { code, ...times } = answer;
      checkCode(code);
      return times;
    }),
  );
}

function request(items: Buffer[]): Buffer {
  return Buffer.concat([wire.noTaggedFields, wire.compactArray(items), wire.noTaggedFields]);
}

function afterHeader(payload: Buffer): WireReader {
  const reader = new WireReader(payload);
  reader.taggedFields();
  reader.int32(); // throttle time
  return reader;
}

function isMovedCode(code: number): boolean {
  try {
    checkCode(code);
    return false;
  } catch (error) {
    return isMoved(error);
  }
}

function decodeProducers(
  payload: Buffer,
): { partition: number; code: number; producers: ActiveProducer[] }[] {
  const reader = afterHeader(payload);
  const topics = reader.compactArray(() => {
    reader.compactString(); // topic
    const partitions = reader.compactArray(() => {
      const partition = reader.int32();
      const code = reader.int16();
      reader.compactString(); // the error in words
      const producers = reader.compactArray(() => {
        const producerId = reader.int64();
        reader.int32(); // its epoch
        reader.int32(); // last sequence number
        const lastTimestamp = Number(reader.int64());
        reader.int32(); // coordinator's epoch
        const startOffset = reader.int64();
        reader.taggedFields();
        return { producerId, lastTimestamp, startOffset };
      });
      reader.taggedFields();
      return { partition, code, producers };
    });
    reader.taggedFields();
    return partitions;
  });
  return topics.flat();
}
