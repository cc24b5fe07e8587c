import { landFrom, PUBLISH_AGAIN } from '../../../domain/data-loss';
import { NonRetryableError } from '../../../domain/errors';
import type { Connection } from '../transport';

const EARLIEST = -2;
const LATEST = -1;
const UNCOMMITTED = 0;
const COMMITTED = 1;

/** Bounds of one partition's log. */
export interface Bounds {
  earliest: bigint;
  /** The offset after the last one that a reader may reach. */
  latest: bigint;
  /** The high watermark: what is written beyond `latest` is of transactions that are open. */
  high: bigint;
}

/**
 * Asks the leaders for the bounds of partitions. `latest` is the last stable offset: an open transaction keeps
 * it down. With `uncommitted` it is the high watermark, too.
 */
export async function logBounds(
  connection: Connection,
  partitions: readonly number[],
  isolation: 'committed' | 'uncommitted' = 'committed',
): Promise<Map<number, Bounds>> {
  const list = async (nodeId: number, mine: number[], timestamp: number, isolationLevel: 0 | 1) => {
    const broker = await connection.broker(nodeId);
    const { responses } = await broker.listOffsets({
      isolationLevel,
      topics: [{ topic: connection.topic, partitions: mine.map((partition) => ({ partition, timestamp })) }],
    });
    return new Map(
      responses.flatMap((topic) => topic.partitions.map((p) => [p.partition, BigInt(p.offset)] as const)),
    );
  };
  const bounds = new Map<number, Bounds>();
  for (const [nodeId, mine] of connection.leaders(partitions)) {
    const [earliest, high, stable] = await Promise.all([
      list(nodeId, mine, EARLIEST, UNCOMMITTED),
      list(nodeId, mine, LATEST, UNCOMMITTED),
      isolation === 'committed' ? list(nodeId, mine, LATEST, COMMITTED) : undefined,
    ]);
    for (const partition of mine) {
      const written = high.get(partition) ?? 0n;
      const latest = (stable ?? high).get(partition) ?? 0n;
      bounds.set(partition, {
        earliest: earliest.get(partition) ?? 0n,
        latest,
        high: written > latest ? written : latest, // asked at once, answered one after the other
      });
    }
  }
  return bounds;
}

/** The failure for offsets that retention, kafka-delete-records or a compacting cleaner has removed. */
export function removedBelow(
  topic: string,
  partition: number,
  from: bigint,
  earliest: bigint,
  to?: bigint,
): NonRetryableError {
  const last = (to !== undefined && to < earliest ? to : earliest) - 1n;
  return new NonRetryableError(
    'DataLoss',
    `topic ${topic}, partition ${partition}: offsets ${from} to ${last} are gone, Kafka keeps the log from ` +
      `${earliest} on (retention.ms, retention.bytes or deleted records). Start landing after the gap: ` +
      `${landFrom({ [partition]: String(earliest) })} and publish the lost rows again: ${PUBLISH_AGAIN}`,
  );
}
