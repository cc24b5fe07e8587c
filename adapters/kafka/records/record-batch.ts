import { crc32c } from './crc32c';

/** Bytes of a record batch before its first record (Kafka's message format 2). */
export const BATCH_HEADER_BYTES = 61;
/** The checksum covers everything from the attributes on. */
export const CRC_START = 21;
const TRANSACTIONAL = 0x10;
/** The most that one record adds to its key and value: two numbers of 10 bytes and five of 5. */
const RECORD_OVERHEAD = 45;

/** Their number alone: none. */
const NO_HEADERS = Buffer.of(0);

/** Which producer wrote a batch, and its place in that producer's sequence on this partition. */
export interface BatchOrigin {
  producerId: string;
  producerEpoch: number;
  baseSequence: number;
}

/**
 * One record batch of one partition, being filled. Records are written where they will be sent from:
 * kafkajs's producer makes some ten objects and six BigInt operations a record, which held it below
 * 60,000 records a second.
 */
export class RecordBatchBuilder {
  #buffer: Buffer;
  #size = BATCH_HEADER_BYTES;
  #records = 0;

  constructor(capacity: number) {
    this.#buffer = Buffer.allocUnsafeSlow(capacity);
  }

  get records(): number {
    return this.#records;
  }

  get bytes(): number {
    return this.#size;
  }

  /** Starts the next batch in the same memory. */
  clear(): void {
    this.#size = BATCH_HEADER_BYTES;
    this.#records = 0;
  }

  /** Whether one more record leaves the batch at `limit` bytes or below; near the limit it may say no too early. */
  hasRoom(key: Buffer | null, value: Buffer, limit: number): boolean {
    return this.#size + (key?.length ?? 0) + value.length + RECORD_OVERHEAD <= limit;
  }

  /** Adds a record at the batch's own timestamp. `headers` as {@link encodeHeaders} gives them. */
  append(key: Buffer | null, value: Buffer, headers: Buffer = NO_HEADERS): void {
    const most = (key?.length ?? 0) + value.length + headers.length + RECORD_OVERHEAD;
    if (this.#size + most > this.#buffer.length) this.#grow(this.#size + most);
    const buffer = this.#buffer;
    let at = writeVarint(buffer, this.#size, sizeOfBody(this.#records, key, value, headers));
    at = buffer.writeInt16BE(0, at);
    at = writeVarint(buffer, at, this.#records);
    at = writeField(buffer, at, key);
    at = writeField(buffer, at, value);
    this.#size = at + headers.copy(buffer, at);
    this.#records += 1;
  }

  /** The batch's bytes, valid until `clear`. `timestamp` in milliseconds since 1970. */
  finish(origin: BatchOrigin, timestamp: number): Buffer {
    const batch = this.#buffer.subarray(0, this.#size);
    batch.writeBigInt64BE(0n, 0); // base offset: the broker's to set
    batch.writeInt32BE(this.#size - 12, 8);
    batch.writeInt32BE(-1, 12); // leader epoch: the broker's
    batch.writeInt8(2, 16);
    batch.writeInt16BE(TRANSACTIONAL, CRC_START);
    batch.writeInt32BE(this.#records - 1, 23);
    batch.writeBigInt64BE(BigInt(timestamp), 27);
    batch.writeBigInt64BE(BigInt(timestamp), 35);
    batch.writeBigInt64BE(BigInt(origin.producerId), 43);
    batch.writeInt16BE(origin.producerEpoch, 51);
    batch.writeInt32BE(origin.baseSequence, 53);
    batch.writeInt32BE(this.#records, 57);
    batch.writeUInt32BE(crc32c(batch, CRC_START, this.#size), 17);
    return batch;
  }

  #grow(atLeast: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(atLeast, this.#buffer.length * 2));
    this.#buffer.copy(grown, 0, 0, this.#size);
    this.#buffer = grown;
  }
}

/** The bytes of a batch that holds this record and no other. */
export function sizeAlone(key: Buffer | null, value: Buffer, headers: Buffer = NO_HEADERS): number {
  const body = sizeOfBody(0, key, value, headers);
  return BATCH_HEADER_BYTES + sizeOfVarint(body) + body;
}

/** One header, as a record has it. */
export function encodeHeaders(name: string, value: string): Buffer {
  const fields = [name, value].map((text) => Buffer.from(text));
  const buffer = Buffer.alloc(fields.reduce((sum, field) => sum + sizeOfField(field), sizeOfVarint(1)));
  let at = writeVarint(buffer, 0, 1);
  for (const field of fields) at = writeField(buffer, at, field);
  return buffer;
}

/** Sequence numbers have 31 bits and wrap to 0. */
export function nextSequence(sequence: number, records: number): number {
  return (sequence + records) % 0x80000000;
}

function sizeOfBody(offsetDelta: number, key: Buffer | null, value: Buffer, headers: Buffer): number {
  const attributesAndTimestampDelta = 2;
  return (
    attributesAndTimestampDelta +
    sizeOfVarint(offsetDelta) +
    sizeOfField(key) +
    sizeOfField(value) +
    headers.length
  );
}

function sizeOfField(field: Buffer | null): number {
  return field === null ? sizeOfVarint(-1) : sizeOfVarint(field.length) + field.length;
}

function writeField(buffer: Buffer, at: number, field: Buffer | null): number {
  if (field === null) return writeVarint(buffer, at, -1);
  const start = writeVarint(buffer, at, field.length);
  return start + field.copy(buffer, start);
}

function sizeOfVarint(value: number): number {
  const zigzag = ((value << 1) ^ (value >> 31)) >>> 0;
  if (zigzag < 0x80) return 1;
  if (zigzag < 0x4000) return 2;
  if (zigzag < 0x200000) return 3;
  return zigzag < 0x10000000 ? 4 : 5;
}

function writeVarint(buffer: Buffer, at: number, value: number): number {
  let zigzag = ((value << 1) ^ (value >> 31)) >>> 0;
  let i = at;
  while (zigzag >= 0x80) {
    buffer[i++] = (zigzag & 0x7f) | 0x80;
    zigzag >>>= 7;
  }
  buffer[i++] = zigzag;
  return i;
}
