import { Context } from '@temporalio/activity';
import type { Offsets } from '../../model/ranges';
import { formatTimestamp } from '../../model/watermark';
import type {
  BatchIdentity,
  BatchManifest,
  IncomingMessage,
  OrdersLake,
  OrdersTopic,
  OwnedBatch,
} from '../interfaces';
import { manifestOf } from './commit-micro-batch';
import { findDuplicates, type HighWater, type Judged } from './duplicates';
import { judge } from './parse-message';

export interface LandInput extends OwnedBatch {
  highWater: HighWater;
  /** The furthest offsets that were ever landed: messages before them are read once more, after a reset. */
  reached: Offsets;
}

/**
 * Reads exactly the claimed offsets, judges every message, drops repeats and writes one file per date.
 *
 * Idempotency key: (sequence, ranges). Committed messages of fixed offsets never change, and neither do files of
 * earlier batches, so every attempt comes to the same rows, names and bytes. One that dies leaves at most
 * temporary files, which readers skip, or whole files, which the next attempt finds equal. Two at once write the
 * same bytes under different temporary names. A batch that is committed is not read again; its manifest is in the ledger (a
 * workflow that was reset to an earlier point comes by here). One that wakes up after its landing was replaced finds its epoch closed.
 */
export function createLandMicroBatch(deps: { topic: OrdersTopic; lake: OrdersLake }) {
  return async function landMicroBatch({
    epoch,
    sequence,
    ranges,
    highWater,
    reached,
  }: LandInput): Promise<BatchManifest> {
    const context = Context.current();
    const committed = await deps.lake.findCommitted({ sequence, ranges });
    if (committed !== undefined) return manifestOf(committed);
    const judged = await readAndJudge(deps.topic, ranges, context);
    const { accepted, quarantined, duplicates, ...after } = await findDuplicates(judged, {
      highWater,
      isReread: ({ partition, offset }) => offset < BigInt(reached[partition] ?? '0'),
      partitionOf: (key) => deps.topic.partitionOf(key),
      findLanded: (orders) => deps.lake.findLanded(sequence, orders),
      findQuarantined: (rows) => deps.lake.findQuarantined(sequence, rows),
    });
    const written = await deps.lake.writeBatch(
      { epoch, sequence, ranges },
      { accepted, quarantined },
      { signal: context.cancellationSignal, again: context.info.attempt > 1 },
    );

    const failures: BatchManifest['counts']['failures'] = {};
    for (const row of quarantined)
      for (const code of row.failures) failures[code] = (failures[code] ?? 0) + 1;
    const newest = accepted.reduce(
      (max, { order }) => (order.createdAtMicros > max ? order.createdAtMicros : max),
      MIN,
    );
    return {
      ...written,
      counts: {
        read: judged.length,
        landed: accepted.length,
        duplicate: duplicates,
        quarantined: quarantined.length,
        failures,
      },
      ...(newest === MIN ? {} : { newestCreatedAt: formatTimestamp(newest) }),
      highWater: after.highWater,
    };
  };
}

const MIN = -(2n ** 63n);

/** Partitions are read at once and so arrive interleaved; ordered by partition and offset, every attempt sees the same list. */
async function readAndJudge(
  topic: OrdersTopic,
  ranges: BatchIdentity['ranges'],
  context: Context,
): Promise<Judged[]> {
  const byPartition = new Map<number, Judged[]>();
  let read = 0;
  for await (const messages of topic.read(ranges, { signal: context.cancellationSignal })) {
    for (const message of messages) listOf(byPartition, message).push({ message, verdict: judge(message) });
    read += messages.length;
    context.heartbeat({ read });
  }
  return [...byPartition.keys()].sort((a, b) => a - b).flatMap((partition) => byPartition.get(partition)!);
}

function listOf(byPartition: Map<number, Judged[]>, { partition }: IncomingMessage): Judged[] {
  let list = byPartition.get(partition);
  if (list === undefined) byPartition.set(partition, (list = []));
  return list;
}
