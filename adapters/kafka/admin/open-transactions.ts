/** Who keeps readers from going on: asked of the brokers as kafka-transactions.sh does, which kafkajs cannot. Changes nothing. */
import type { OpenTransaction } from '../../../domain/open-transaction';
import { type Connection, kindOf, kafkaTool, type KafkaTopicOptions } from '../transport';
import {
  TRANSACTION_TIMEOUT_MS,
  transactionalIdOf,
  describeProducers,
  describeTransaction,
  listTransactions,
  type ActiveProducer,
} from '../producer';

/** A place that readers do not get past: the last stable offset of a partition, below its high watermark. */
export interface Held {
  partition: number;
  offset: bigint;
}

/**
 * The transactions that begin at these places. Leaves out what has ended meanwhile, and the capture's own, which its next
 * attempt or the coordinator ends soon.
 */
export async function openTransactions(
  connection: Connection,
  options: KafkaTopicOptions,
  places: readonly Held[],
): Promise<OpenTransaction[]> {
  const found: OpenTransaction[] = [];
  const producers = await describeProducers(
    connection,
    places.map(({ partition }) => partition),
  );
  for (const { partition, offset } of places) {
    const active = producers?.get(partition);
    const producer = active?.find(({ startOffset }) => startOffset === offset);
    // It was ended a moment ago; unless nobody can say, since brokers before 2.8 know of no such request.
    if (active !== undefined && producer === undefined) continue;
    const known = producer && (await lookUp(connection, producer));
    if (producer !== undefined && isOurs(known?.transactionalId, options, producer, known?.startedAt))
      continue;
    const since = known?.startedAt ?? producer?.lastTimestamp;
    found.push({
      partition,
      offset: String(offset),
      who: describe(producer, known?.transactionalId),
      since: since === undefined ? undefined : new Date(since).toISOString(),
      timeoutMs: known?.timeoutMs,
      abort: kafkaTool(
        options,
        'kafka-transactions.sh',
        `abort --topic ${options.topic} --partition ${partition} --start-offset ${offset}`,
      ),
    });
  }
  return found;
}

function isOurs(
  transactionalId: string | undefined,
  { topic }: KafkaTopicOptions,
  { lastTimestamp }: ActiveProducer,
  startedAt = lastTimestamp,
): boolean {
  // Beyond its timeout the coordinator has forgotten it: then nobody ends it.
  return transactionalId === transactionalIdOf(topic) && Date.now() - startedAt < 2 * TRANSACTION_TIMEOUT_MS;
}

interface KnownTransaction {
  transactionalId: string;
  startedAt?: number;
  timeoutMs?: number;
}

/** What coordinators know of a producer's transaction; nothing where the user may not see it, or where it hangs. */
async function lookUp(
  connection: Connection,
  { producerId }: ActiveProducer,
): Promise<KnownTransaction | undefined> {
  try {
    for (const nodeId of connection.nodeIds()) {
      const [transactionalId] = await listTransactions(await connection.broker(nodeId), producerId);
      if (transactionalId === undefined) continue;
      const { ongoing, ...times } = await describeTransaction(connection, transactionalId);
      return { transactionalId, ...(ongoing ? times : {}) };
    }
    return undefined;
  } catch (error) {
    if (/AUTHORIZATION_FAILED$/.test(kindOf(error))) return undefined;
    throw error;
  }
}

function describe(producer: ActiveProducer | undefined, transactionalId: string | undefined): string {
  if (producer === undefined) return 'these brokers cannot say whose';
  const id = `producer id ${producer.producerId}`;
  return transactionalId === undefined
    ? `${id}; its transactional.id is not known, or may not be seen`
    : `transactional.id ${transactionalId}, ${id}`;
}
