/** Bounds of a topic for those who compare all of it with something else. Reads only. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { OpenTransaction } from '../../../domain/open-transaction';
import type { Offsets } from '../../../domain/ranges';
import type { StableOffsets } from '../../../ports';
import { type Connection, ConnectionPool, explain, type KafkaTopicOptions } from '../transport';
import { logBounds, type Bounds } from '../topic';
import { openTransactions, type Held } from './open-transactions';

/** A transaction of the capture is open for a second at most; one that is longer hides what comes after it. */
const OPEN_TRANSACTION_TIMEOUT_MS = 15_000;

/** {@link OrdersTopic.stableOffsets}, on connections of its own. */
export async function stableOffsets(
  options: KafkaTopicOptions,
  signal: AbortSignal,
  sinceMillis?: number,
): Promise<StableOffsets> {
  const pool = new ConnectionPool(options);
  try {
    return await pool.run(signal, async (connection) => {
      const written = await logBounds(connection, connection.partitions, 'uncommitted');
      const deadline = Date.now() + OPEN_TRANSACTION_TIMEOUT_MS;
      for (;;) {
        const bounds = await logBounds(connection, connection.partitions);
        const places = heldPlaces(written, bounds);
        if (places.length > 0 && Date.now() < deadline) {
          await sleep(20, undefined, { signal });
          continue;
        }
        const pick = (of: 'earliest' | 'latest'): Offsets =>
          Object.fromEntries([...bounds].map(([p, bound]) => [p, String(bound[of])]));
        const [earliest, stable] = [pick('earliest'), pick('latest')];
        const heldBack = await openTransactions(connection, options, places);
        const settled = { earliest, stable, heldBack, held: places.map(({ partition }) => partition) };
        if (sinceMillis === undefined) return settled;
        return { ...settled, since: await offsetsSince(connection, sinceMillis, stable) };
      }
    });
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw explain(error, `listing offsets of topic ${options.topic}`, options);
  } finally {
    pool.close();
  }
}

/** Transactions that keep readers from what is in the topic now, for longer than the capture's own would. */
export async function heldTransactions(
  options: KafkaTopicOptions,
  timeoutMs: number,
): Promise<OpenTransaction[]> {
  const pool = new ConnectionPool(options);
  try {
    return await pool.run(undefined, async (connection) => {
      const written = await logBounds(connection, connection.partitions, 'uncommitted');
      for (const deadline = Date.now() + timeoutMs; ;) {
        const places = heldPlaces(written, await logBounds(connection, connection.partitions));
        if (places.length === 0) return [];
        if (Date.now() > deadline) return await openTransactions(connection, options, places);
        await sleep(100);
      }
    });
  } finally {
    pool.close();
  }
}

/** The places that readers had to get past, and did not. */
function heldPlaces(written: Map<number, Bounds>, now: Map<number, Bounds>): Held[] {
  return [...written].flatMap(([partition, { high }]) => {
    const offset = now.get(partition)!.latest;
    return offset < high ? [{ partition, offset }] : [];
  });
}

async function offsetsSince(connection: Connection, timestamp: number, stable: Offsets): Promise<Offsets> {
  const found: Offsets = {};
  for (const [nodeId, partitions] of connection.leaders(connection.partitions)) {
    const broker = await connection.broker(nodeId);
    const { responses } = await broker.listOffsets({
      isolationLevel: 1,
      topics: [
        { topic: connection.topic, partitions: partitions.map((partition) => ({ partition, timestamp })) },
      ],
    });
    for (const { partitions: answers } of responses) {
      for (const { partition, offset } of answers) {
        // -1: no message is as new.
        found[partition] = BigInt(offset) < 0n ? stable[partition]! : offset;
      }
    }
  }
  return found;
}
