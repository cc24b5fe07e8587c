import type { Context } from '@temporalio/activity';
import type { DamagedFile } from '../../domain/damaged';
import { NonRetryableError } from '../../domain/errors';
import { REMEMBERED } from '../../domain/requests';
import { ORDERS } from '../../domain/table/orders';
import { microsOf } from '../../domain/table/table';
import { formatTimestamp } from '../../domain/watermark';
import { validate } from '../../messages';
import type {
  BatchIdentity,
  BatchManifest,
  Batches,
  Found,
  IncomingMessage,
  OrdersLake,
  OrdersTopic,
  OwnedBatch,
  WriteOptions,
} from '../../ports';
import { findDuplicates, type HighWater, type Validated } from './duplicates';
import { spanOf } from '../../domain/ranges';
import { orNone } from '../../domain/or-none';

export interface Landing {
  topic: OrdersTopic;
  lake: OrdersLake;
}

export interface Known {
  highWater: HighWater;
  /** How many partitions the topic had when the batch was claimed: by what `highWater` is. */
  partitions: number;
  /** Was this very message landed before? */
  isReread: (message: IncomingMessage) => boolean;
  /** Where to look up what may have been landed before. */
  batches: Batches;
  /** Files that were found damaged before; those that still are stand in the manifest, too. */
  damaged: readonly DamagedFile[];
  /** Told of the messages' timestamps, in milliseconds since 1970, once all were read. */
  onRead?: (timestamps: { oldest: number; newest: number }) => void;
  /** Bytes of messages that may be held at once; one offset is read whatever it takes. */
  mostBytes?: number;
}

/**
 * Reads the batch's offsets, validates every message, drops repeats, and writes one file per date unless `write` is
 * `undefined` (a dry run, whose manifest has no files). The rows depend on the arguments alone, and on files of `known.batches`.
 * NonRetryableError BatchTooWide, with nothing written, where the messages take more than `known.mostBytes`.
 */
export async function processBatch(
  { topic, lake }: Landing,
  batch: OwnedBatch,
  known: Known,
  context: Context,
  write: Omit<WriteOptions, 'signal'> | undefined,
): Promise<BatchManifest> {
  const damaged = await lake.stillDamaged(known.damaged);
  const seen = (found: Found): Set<number> => {
    for (const one of found.damaged) if (!damaged.some(({ file }) => file === one.file)) damaged.push(one);
    return found.indexes;
  };
  const validated = await readAndValidate(topic, batch, context, known.mostBytes);
  if (validated.length > 0) known.onRead?.(timestampsOf(validated));
  const { accepted, quarantined, duplicates, ...after } = await findDuplicates(validated, {
    highWater: known.highWater,
    isReread: known.isReread,
    partitionOf: (key) => topic.partitionOf(key, known.partitions),
    findLanded: async (orders) => seen(await lake.findLanded(known.batches, orders)),
    findQuarantined: async (rows) => seen(await lake.findQuarantined(known.batches, rows)),
  });
  const written =
    write === undefined
      ? { files: [], quarantineFiles: [] }
      : await lake.writeBatch(
          batch,
          { accepted, quarantined },
          { signal: context.cancellationSignal, ...write },
        );

  const failures: BatchManifest['counts']['failures'] = {};
  for (const row of quarantined) for (const code of row.failures) failures[code] = (failures[code] ?? 0) + 1;
  const newest = accepted.reduce((max, { order }) => {
    const micros = microsOf(ORDERS, order)!;
    return micros > max ? micros : max;
  }, MIN);
  return {
    ...written,
    counts: {
      read: validated.length,
      landed: accepted.length,
      duplicate: duplicates,
      quarantined: quarantined.length,
      failures,
    },
    newestCreatedAt: newest === MIN ? undefined : formatTimestamp(newest),
    highWater: after.highWater,
    damaged: orNone(damaged.slice(0, REMEMBERED)),
  };
}

const MIN = -(2n ** 63n);

function timestampsOf(validated: readonly Validated[]): { oldest: number; newest: number } {
  let [oldest, newest] = [Infinity, 0];
  for (const { message } of validated) {
    oldest = Math.min(oldest, message.timestampMillis);
    newest = Math.max(newest, message.timestampMillis);
  }
  return { oldest, newest };
}

/** By partition and offset, so that every attempt sees the same list. */
async function readAndValidate(
  topic: OrdersTopic,
  { ranges, topicId }: BatchIdentity,
  context: Context,
  mostBytes = Infinity,
): Promise<Validated[]> {
  const most = spanOf(ranges) > 1 ? mostBytes : Infinity;
  const held = new HeldBytes();
  const inOrder = [...ranges].sort((a, b) => a.partition - b.partition);
  const byRange = new Map(inOrder.map((range) => [range, [] as Validated[]]));
  let read = 0;
  await topic.read(
    inOrder,
    (messages, range) => {
      const validated = byRange.get(range)!;
      for (const message of messages) validated.push({ message, validation: resultOf(message) });
      read += messages.length;
      if (held.add(messages) > most)
        throw new NonRetryableError('BatchTooWide', `the batch's messages take more than ${most} bytes`);
      context.heartbeat({ read });
    },
    { signal: context.cancellationSignal, topicId },
  );
  return [...byRange.values()].flat();
}

/** The memory that messages keep: their values are parts of what was fetched, or decompressed, which stays as a whole. */
class HeldBytes {
  readonly #seen = new WeakSet<ArrayBufferLike>();
  #last: ArrayBufferLike | undefined;
  #bytes = 0;

  add(messages: readonly IncomingMessage[]): number {
    for (const { value } of messages) {
      const memory = value?.buffer;
      if (memory === undefined || memory === this.#last) continue;
      this.#last = memory;
      if (!this.#seen.has(memory)) this.#bytes += memory.byteLength;
      this.#seen.add(memory);
    }
    return this.#bytes;
  }
}

/** A bad message is a result; rules that throw are a fault of ours, which no retry of the same version mends. */
function resultOf(message: IncomingMessage): Validated['validation'] {
  try {
    return validate(message);
  } catch (error) {
    const { partition, offset } = message;
    throw new NonRetryableError(
      'BatchNotLandable',
      `partition ${partition}, offset ${offset}: validating the message failed: ${String(error)}`,
      { cause: error },
    );
  }
}
