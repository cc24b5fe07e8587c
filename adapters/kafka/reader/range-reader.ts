import type { IncomingMessage, Log, Trace } from '../../../ports';
import type { OffsetRange } from '../../../domain/ranges';
import { pause, type Connection, checkCode, isMoved } from '../transport';
import { fetch, type FetchedPartition } from './fetch-request';
import { removedBelow } from '../topic';
import { requireEnd } from './log-end';
import { NonRetryableError } from '../../../domain/errors';
import { ChecksumError, decodeRecords, type DecodedRecords } from '../records';

/** Bytes a fetch asks for: at 190 bytes a row some 5,000 rows. Memory is two fetches a partition. */
const FETCH_BYTES = 1_048_576;
/** What is asked for is there, so the broker answers at once; this only paces the exception. */
const FETCH_WAIT_MS = 500;
/** Tries on fresh metadata before moved leaders count as transient. */
const LEADER_TRIES = 5;
/** Nothing at an offset that was claimed: for so long it is a leader that only just took over, or a transaction. */
const EMPTY_TIMEOUT_MS = 5_000;
const OFFSET_OUT_OF_RANGE = 1;

interface ReadOptions {
  signal: AbortSignal;
  log: Log;
  trace: Trace;
}

/**
 * Committed messages of one range, a chunk a fetch, the next fetch on its way while a chunk is worked on.
 * Ends when the broker has shown every offset below `to`: as a message, a marker, an aborted row, or a gap
 * between two batches (compaction). An empty answer shows nothing, so it is asked for again.
 */
export async function* readRange(
  connection: Connection,
  range: OffsetRange,
  options: ReadOptions,
): AsyncGenerator<IncomingMessage[]> {
  const { partition } = range;
  const to = BigInt(range.to);
  let from = BigInt(range.from);
  let pending = from < to ? fetchAhead(connection, range, from, options) : undefined;
  while (pending !== undefined) {
    const fetched = await pending;
    connection.metrics.add('orders_bytes_total', fetched.records.length, { stage: 'read' });
    const { messages, first, next, traces } = await decodeTwice(fetched, connection, range, from, options);
    if (next === undefined)
      throw new Error(`partition ${partition}, offset ${from}: the broker sent half a batch`);
    for (const { traceparent, offset } of traces) if (offset < to) options.trace.join(traceparent);
    if (first !== undefined && first > from) {
      options.log.warn('offsets are missing inside the log; is the topic compacted?', {
        topic: connection.topic,
        partition,
        from: String(from),
        to: String(first),
      });
    }
    for (const { offset, unreadable } of messages.filter((message) => message.unreadable !== undefined))
      options.log.warn('a record batch holds no records that can be read', {
        topic: connection.topic,
        partition,
        offset: String(offset),
        error: unreadable,
      });
    from = next;
    pending = from < to ? fetchAhead(connection, range, from, options) : undefined;
    const wanted = next > to ? messages.filter(({ offset }) => offset < to) : messages;
    if (wanted.length > 0) yield wanted;
  }
}

/** Bytes that changed on the way are right the next time; those that the broker holds are not. */
async function decodeTwice(
  { records, aborted }: FetchedPartition,
  ...[connection, range, from, options]: Parameters<typeof fetchSome>
): Promise<DecodedRecords> {
  const { partition } = range;
  const { joins } = options.trace;
  try {
    return decodeRecords(records, partition, from, aborted, joins);
  } catch (error) {
    if (!(error instanceof ChecksumError)) throw error;
    const again = await fetchSome(connection, range, from, options);
    try {
      return decodeRecords(again.records, partition, from, again.aborted, joins);
    } catch (second) {
      if (!(second instanceof ChecksumError)) throw second;
      throw new NonRetryableError(
        'BatchNotLandable',
        `${second.message}, fetched twice: the broker's copy is damaged`,
        {
          cause: second,
        },
      );
    }
  }
}

function fetchAhead(...args: Parameters<typeof fetchSome>): Promise<FetchedPartition> {
  const [, , , { trace }] = args;
  const fetched = trace.step('fetch', () => fetchSome(...args));
  fetched.catch(() => undefined); // awaited later, or never where the reader is given up
  return fetched;
}

/** Fetches until there is something at `from`. */
async function fetchSome(
  connection: Connection,
  { partition, to }: OffsetRange,
  from: bigint,
  { signal, log }: ReadOptions,
): Promise<FetchedPartition> {
  const { topic } = connection;
  let emptySince: number | undefined;
  for (;;) {
    signal.throwIfAborted();
    const fetched = await fetchFromLeader(connection, partition, from, signal);
    if (fetched.code === OFFSET_OUT_OF_RANGE) {
      const { earliest } = await requireEnd(connection, partition, from + 1n, signal);
      if (from < earliest) throw removedBelow(topic, partition, from, earliest, BigInt(to));
      continue;
    }
    if (fetched.records.length > 0) return fetched;

    if (emptySince === undefined) {
      emptySince = Date.now();
      log.warn('nothing to read below the end of a range; asking again', {
        topic,
        partition,
        from: String(from),
        to,
        lastStableOffset: String(fetched.lastStableOffset),
      });
    } else if (Date.now() - emptySince > EMPTY_TIMEOUT_MS) {
      await requireEnd(connection, partition, BigInt(to), signal);
    }
  }
}

async function fetchFromLeader(
  connection: Connection,
  partition: number,
  offset: bigint,
  signal: AbortSignal,
): Promise<FetchedPartition> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const [nodeId = -1] = connection.leaders([partition]).keys();
      const broker = await connection.broker(nodeId);
      const [fetched] = await fetch(broker, {
        topic: connection.topic,
        // One partition a request: only for the first one does the broker promise a whole batch.
        offsets: [{ partition, offset }],
        maxBytes: FETCH_BYTES,
        maxWaitMs: FETCH_WAIT_MS,
      });
      if (fetched === undefined)
        throw new Error(`partition ${partition}: the broker answered for no partition`);
      if (fetched.code !== OFFSET_OUT_OF_RANGE) checkCode(fetched.code);
      return fetched;
    } catch (error) {
      if (!isMoved(error) || attempt === LEADER_TRIES) throw error;
      await pause(50 * 2 ** attempt, signal);
      await connection.refresh();
    }
  }
}
