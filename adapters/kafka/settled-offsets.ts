/** Bounds of a topic for those who compare all of it with something else. Reads only. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Offsets } from '../../model/ranges';
import type { Connection } from './connection';
import { ConnectionPool } from './connection-pool';
import { explain } from './errors';
import { logBounds } from './log-bounds';
import type { KafkaTopicOptions } from './options';

/** A transaction of the capture is open for a second at most; one that is longer hides what comes after it. */
const OPEN_TRANSACTION_PATIENCE_MS = 15_000;

export interface SettledOffsets {
  earliest: Offsets;
  /** Everything below has been committed or aborted. At least what was written when this was called. */
  stable: Offsets;
  /** Per partition the first offset whose message is not older than `since`; absent without it. */
  since?: Offsets;
  /** An open transaction kept `stable` below what was written, for longer than patience allows: partitions. */
  heldBack: number[];
}

/**
 * Waits until what is in the topic now can be read: a commit is answered before its markers are written, so the last
 * stable offset may still be below it.
 *
 * @param sinceMillis for `since`: milliseconds since 1970, compared with the messages' own timestamps
 */
export async function settledOffsets(
  options: KafkaTopicOptions,
  signal: AbortSignal,
  sinceMillis?: number,
): Promise<SettledOffsets> {
  const pool = new ConnectionPool(options);
  try {
    return await pool.run(signal, async (connection) => {
      const written = await logBounds(connection, connection.partitions, 'uncommitted');
      const deadline = Date.now() + OPEN_TRANSACTION_PATIENCE_MS;
      for (;;) {
        const bounds = await logBounds(connection, connection.partitions);
        const heldBack = [...written]
          .filter(([p, { latest }]) => bounds.get(p)!.latest < latest)
          .map(([p]) => p);
        if (heldBack.length > 0 && Date.now() < deadline) {
          await sleep(20, undefined, { signal });
          continue;
        }
        const pick = (of: 'earliest' | 'latest'): Offsets =>
          Object.fromEntries([...bounds].map(([p, bound]) => [p, String(bound[of])]));
        const [earliest, stable] = [pick('earliest'), pick('latest')];
        if (sinceMillis === undefined) return { earliest, stable, heldBack };
        return { earliest, stable, heldBack, since: await offsetsSince(connection, sinceMillis, stable) };
      }
    });
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw explain(error, `listing offsets of topic ${options.topic}`, options.brokers);
  } finally {
    pool.close();
  }
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
