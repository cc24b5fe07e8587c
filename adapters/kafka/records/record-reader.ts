import type { IncomingMessage } from '../../../ports';
import { NonRetryableError } from '../../../domain/errors';
import { TRACEPARENT } from '../../../domain/trace-context';
import { decompress, LARGEST_INFLATED } from './codecs';
import { crc32c } from './crc32c';
import { BATCH_HEADER_BYTES, CRC_START } from './record-batch';

const CODEC_MASK = 0x07;
const LOG_APPEND_TIME = 0x08;
const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;

/** What fails may have taken some tenths of a second first: so much counts as decompressed, or a fetch would hold the process up. */
const TIME_OF_FAILURE = LARGEST_INFLATED / 16;

/** A transaction that was aborted: the batches of this producer from `firstOffset` to its abort marker. */
export interface AbortedTransaction {
  producerId: bigint;
  firstOffset: bigint;
}

/** What one fetch brought. */
export interface DecodedRecords {
  /** Committed messages at or after the offset asked for, in offset order. */
  messages: IncomingMessage[];
  /** The offset after the last complete batch, or `undefined` where there was none. */
  next: bigint | undefined;
  /** The first offset of the first batch, which may be above the one asked for in a compacted topic. */
  first: bigint | undefined;
  /** What the first record of a batch says of its trace, and the offset of that record. */
  traces: { traceparent: string; offset: bigint }[];
}

/** Bytes that changed on their way or on the broker's disk; another fetch tells which. */
export class ChecksumError extends Error {}

/**
 * Reads the record batches of one fetch. Markers and aborted rows are left out, but the offsets they take are
 * accounted for in `next`.
 *
 * kafkajs's own reader is not used: it takes aborted transactions in the order the broker lists them (by their
 * end), and so delivers aborted rows where transactions interleave; it checks no checksum; it forgets where a
 * batch ended once its last records are compacted away; and it fails on a batch of some 125,000 records.
 *
 * A batch that its producer filled with what are no records, or with too much once decompressed, becomes one message, whose
 * value is the batch as it is stored. Batches that together are too much are left to the next fetch.
 *
 * ChecksumError where bytes changed; NonRetryableError BatchNotLandable for what this version cannot read.
 */
export function decodeRecords(
  data: Buffer,
  partition: number,
  from: bigint,
  aborted: readonly AbortedTransaction[],
  /** Whether `traces` are wanted. */
  joins = false,
): DecodedRecords {
  const result: DecodedRecords = { messages: [], next: undefined, first: undefined, traces: [] };
  const starting = [...aborted].sort((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1));
  const abortedProducers = new Set<bigint>();

  let inflated = 0;
  for (let at = 0; at + BATCH_HEADER_BYTES <= data.length && inflated <= LARGEST_INFLATED;) {
    const end = at + 12 + data.readInt32BE(at + 8);
    if (end > data.length) break; // the broker cuts the last batch where its limit falls
    if (end - at < BATCH_HEADER_BYTES)
      throw new ChecksumError(`partition ${partition}: a record batch is cut`);
    const batch = data.subarray(at, end);
    at = end;
    checkBatch(batch, partition);

    const baseOffset = batch.readBigInt64BE(0);
    const lastOffset = baseOffset + BigInt(batch.readInt32BE(23));
    // A fetch begins with the batch that holds its offset; else the reader would ask for the same again and again.
    if (
      lastOffset < baseOffset ||
      lastOffset < from ||
      (result.next !== undefined && baseOffset < result.next)
    )
      throw new ChecksumError(`partition ${partition}, offset ${from}: the broker sent offset ${lastOffset}`);
    const attributes = batch.readInt16BE(CRC_START);
    const producerId = batch.readBigInt64BE(43);
    result.first ??= baseOffset;
    result.next = lastOffset + 1n;

    while (starting.length > 0 && starting[0]!.firstOffset <= lastOffset) {
      abortedProducers.add(starting.shift()!.producerId);
    }
    if ((attributes & CONTROL) !== 0) {
      // Whichever marker it is, it ends the producer's transaction.
      abortedProducers.delete(producerId);
    } else if ((attributes & TRANSACTIONAL) === 0 || !abortedProducers.has(producerId)) {
      const { messages } = result;
      const before = messages.length;
      let records: Buffer | undefined;
      try {
        records = decompress(attributes & CODEC_MASK, batch.subarray(BATCH_HEADER_BYTES));
        inflated += records.length;
        readBatch(batch, records, partition, from, messages);
        const traceparent = joins ? headerOfFirst(records, TRACEPARENT) : undefined;
        if (traceparent !== undefined) result.traces.push({ traceparent, offset: baseOffset });
      } catch (error) {
        if (error instanceof NonRetryableError) throw unreadable(partition, baseOffset, error.message, error);
        if (isOutOfMemory(error)) throw error;
        if (records === undefined) inflated += TIME_OF_FAILURE;
        messages.length = before;
        const offset = baseOffset > from ? baseOffset : from;
        messages.push(unreadableBatch(partition, offset, batch, (error as Error).message));
      }
    }
  }
  return result;
}

function unreadable(partition: number, offset: bigint, why: string, cause?: unknown): NonRetryableError {
  return new NonRetryableError(
    'BatchNotLandable',
    `partition ${partition}, offset ${offset}: the record batch cannot be read: ${why}`,
    { cause },
  );
}

/** Of this process, which says nothing about the batch. */
function isOutOfMemory(error: unknown): boolean {
  return /allocation failed|out of memory/i.test((error as Error).message);
}

function unreadableBatch(partition: number, offset: bigint, batch: Buffer, why: string): IncomingMessage {
  const timestampMillis = Number(batch.readBigInt64BE(35));
  return { partition, offset, timestampMillis, key: null, value: batch, unreadable: why };
}

function checkBatch(batch: Buffer, partition: number): void {
  const offset = batch.readBigInt64BE(0);
  const magic = batch.readInt8(16);
  if (magic !== 2) {
    throw unreadable(partition, offset, `its message format ${magic} is older than Kafka 0.11`);
  }
  if (batch.readUInt32BE(17) !== crc32c(batch, CRC_START, batch.length)) {
    throw new ChecksumError(`partition ${partition}, offset ${offset}: a record batch fails its checksum`);
  }
}

/** A RangeError for what are no records. */
function readBatch(
  batch: Buffer,
  records: Buffer,
  partition: number,
  from: bigint,
  into: IncomingMessage[],
): void {
  const baseOffset = batch.readBigInt64BE(0);
  const lastDelta = batch.readInt32BE(23);
  const firstTimestamp = Number(batch.readBigInt64BE(27));
  const isAppendTime = (batch.readInt16BE(CRC_START) & LOG_APPEND_TIME) !== 0;
  const appendTime = isAppendTime ? Number(batch.readBigInt64BE(35)) : undefined;
  const cursor = new RecordCursor(records);
  const skip = from > baseOffset ? Number(from - baseOffset) : 0;

  let lastOffsetDelta = -1;
  for (let left = batch.readInt32BE(57); left > 0; left -= 1) {
    const length = cursor.varint();
    const end = cursor.at + length;
    if (!(length > 0 && end <= records.length)) throw new RangeError(`a record of ${length} bytes`);
    cursor.at += 1; // attributes, all unused
    const timestampDelta = cursor.varint();
    const offsetDelta = cursor.varint();
    // Else two messages would have one offset, or one that is another batch's.
    if (!(offsetDelta > lastOffsetDelta && offsetDelta <= lastDelta))
      throw new RangeError(`a record with offset ${offsetDelta} after ${lastOffsetDelta}, of ${lastDelta}`);
    lastOffsetDelta = offsetDelta;
    if (offsetDelta >= skip) {
      into.push({
        partition,
        offset: baseOffset + BigInt(offsetDelta),
        timestampMillis: appendTime ?? firstTimestamp + timestampDelta,
        key: cursor.field(end),
        value: cursor.field(end),
      });
    }
    cursor.at = end; // over the headers
  }
  if (cursor.at !== records.length) throw new RangeError('there is more than its records');
}

/** More headers than these nobody writes for a trace. */
const MOST_HEADERS = 20;
/** A traceparent has 55 characters; later versions may have more. */
const LONGEST_HEADER = 200;

/** A header of the first record, also where that one is not asked for. Headers that nobody can read are no reason to fail. */
function headerOfFirst(records: Buffer, name: string): string | undefined {
  try {
    const cursor = new RecordCursor(records);
    const length = cursor.varint();
    const end = cursor.at + length;
    cursor.at += 1; // attributes
    cursor.varint(); // timestamp
    cursor.varint(); // offset
    cursor.field(end); // key
    cursor.field(end); // value
    for (let left = Math.min(cursor.varint(), MOST_HEADERS); left > 0; left -= 1) {
      const [key, value] = [cursor.field(end), cursor.field(end)];
      if (key?.equals(Buffer.from(name)) === true)
        return value?.subarray(0, LONGEST_HEADER).toString('latin1');
    }
  } catch {
    // Cut off: its records are read all the same, or fail by themselves.
  }
  return undefined;
}

/** Of the tenth byte, the last that 64 bits take. */
const LARGEST_SCALE = 128 ** 9;

class RecordCursor {
  at = 0;
  constructor(private readonly data: Buffer) {}

  /** A zigzag number of up to 64 bits; exact up to 2^53, which timestamps and lengths stay far below. */
  varint(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.data[this.at++];
      if (byte === undefined) throw new RangeError('a record ends too early');
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) break;
      scale *= 128;
      if (scale > LARGEST_SCALE) throw new RangeError('a number of more than 64 bits');
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  field(end: number): Buffer | null {
    const length = this.varint();
    if (length < 0) return null;
    this.at += length;
    if (this.at > end) throw new RangeError(`a key or value of ${length} bytes`);
    return this.data.subarray(this.at - length, this.at);
  }
}
