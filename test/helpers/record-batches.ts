/** Record batches as a producer of bad will may send them, with right checksums. */
import { compressFrameSync } from 'lz4-napi';
import { gzipSync } from 'node:zlib';
import { crc32c } from '../../adapters/kafka/records/crc32c';
import { RecordBatchBuilder } from '../../adapters/kafka/records';
import { BATCH_HEADER_BYTES, CRC_START } from '../../adapters/kafka/records/record-batch';

const ORIGIN = { producerId: '-1', producerEpoch: -1, baseSequence: -1 };

/** The bytes of records with these values and no key. */
export function recordsOf(values: readonly Buffer[]): Buffer {
  const builder = new RecordBatchBuilder(1024);
  for (const value of values) builder.append(null, value);
  return Buffer.from(builder.finish(ORIGIN, 0).subarray(BATCH_HEADER_BYTES));
}

/** One batch; `records` are stored as they are, whatever codec is named. */
export function batchOf(
  records: Buffer,
  {
    count = 1,
    lastDelta = count - 1,
    codec = 0,
    base = 0n,
  }: {
    count?: number;
    lastDelta?: number;
    codec?: number;
    base?: bigint;
  } = {},
): Buffer {
  const header = Buffer.from(
    new RecordBatchBuilder(100).finish(ORIGIN, 1_763_460_000_000).subarray(0, BATCH_HEADER_BYTES),
  );
  header.writeBigInt64BE(base, 0);
  header.writeInt16BE(codec, CRC_START);
  header.writeInt32BE(lastDelta, 23);
  header.writeInt32BE(count, 57);
  return sealed(Buffer.concat([header, records]));
}

/** With its own length and checksum, whatever else was changed. */
export function sealed(batch: Buffer): Buffer {
  if (batch.length < BATCH_HEADER_BYTES) return batch;
  batch.writeInt32BE(batch.length - 12, 8);
  batch.writeUInt32BE(crc32c(batch, CRC_START, batch.length), 17);
  return batch;
}

export const gzip = (data: Buffer) => gzipSync(data);
export const lz4 = (data: Buffer) => compressFrameSync(data);

/** So many zero bytes as blocks of one repeated byte; `content` is the size that the frame says it has. */
export function zstdZeros(size: number, content?: number): Buffer {
  const block = 128 * 1024;
  const blocks = Math.ceil(size / block);
  const header = Buffer.alloc(content === undefined ? 6 : 14);
  header.writeUInt32LE(0xfd2fb528, 0);
  header.writeUInt8(content === undefined ? 0 : 0xc0, 4);
  header.writeUInt8(11 << 3, 5); // a window of 2 MiB
  if (content !== undefined) header.writeBigUInt64LE(BigInt(content), 6);
  const body = Buffer.alloc(blocks * 4);
  for (let i = 0; i < blocks; i += 1) {
    const last = i === blocks - 1;
    const length = last ? size - i * block : block;
    body.writeUIntLE((length << 3) | (1 << 1) | (last ? 1 : 0), i * 4, 3);
  }
  return Buffer.concat([header, body]);
}

/** So many zero bytes: one, and copies of what stands before. In snappy-java's framing if `framed`. */
export function snappyZeros(size: number, framed = false): Buffer {
  const length: number[] = [];
  for (let rest = size; ; rest >>>= 7) {
    if (rest < 0x80) {
      length.push(rest);
      break;
    }
    length.push((rest & 0x7f) | 0x80);
  }
  const copies = Math.ceil((size - 1) / 64);
  const body = Buffer.alloc(copies * 3);
  for (let i = 0, left = size - 1; i < copies; i += 1, left -= 64)
    body.set([((Math.min(64, left) - 1) << 2) | 2, 1, 0], i * 3);
  const bare = Buffer.concat([Buffer.from([...length, 0, 0]), body]);
  if (!framed) return bare;
  const header = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1]);
  const prefix = Buffer.alloc(4);
  prefix.writeInt32BE(bare.length);
  return Buffer.concat([header, prefix, bare]);
}
