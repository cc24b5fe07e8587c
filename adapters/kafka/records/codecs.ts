import { decompressFrameSync } from 'lz4-napi';
import { gunzipSync } from 'node:zlib';
import { NonRetryableError } from '../../../domain/errors';
import { uncompress as snappyBlock } from 'snappyjs';
import { tooLarge, zstd } from './zstd';

/**
 * The most that one record batch may be once decompressed. Some kilobytes can make gigabytes, which would end the process, and
 * again at each attempt. Java's producer makes none above its `max.request.size`, 1 MiB unless set.
 */
export const LARGEST_INFLATED = 64 * 1024 * 1024;

/**
 * The codecs of Kafka's message format, by the number in a batch's attributes. We send uncompressed; others may not.
 * Never takes much more memory than `most`. NonRetryableError BatchNotLandable for a codec that is not known here; any other
 * error for data that it cannot be.
 */
export function decompress(codec: number, data: Buffer, most = LARGEST_INFLATED): Buffer {
  switch (codec) {
    case 0:
      return data;
    case 1:
      return gunzipSync(data, { maxOutputLength: most });
    case 2:
      return snappy(data, most);
    case 3:
      return lz4(data, most);
    case 4:
      return zstd(data, most);
    default:
      throw new NonRetryableError(
        'BatchNotLandable',
        `it is compressed with codec ${codec}, which this version cannot read; a newer one may`,
      );
  }
}

/** How snappy-java marks its own framing: blocks, each after its length. Other producers send one bare block. */
const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0]);
const XERIAL_HEADER_BYTES = 16;

function snappy(data: Buffer, most: number): Buffer {
  if (!data.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC))
    return Buffer.from(snappyBlock(data, most));
  const blocks: Uint8Array[] = [];
  let left = most;
  for (let at = XERIAL_HEADER_BYTES; at < data.length;) {
    const length = data.readInt32BE(at);
    const end = at + 4 + length;
    if (length <= 0 || end > data.length) throw new RangeError(`a snappy block of ${length} bytes`);
    const block = snappyBlock(data.subarray(at + 4, end), left);
    left -= block.length;
    blocks.push(block);
    at = end;
  }
  return Buffer.concat(blocks);
}

/** By the number in the frame's header, 4 to 7; the library refuses others. */
const lz4BlockBytes = (size: number) => 64 * 1024 * 4 ** (size - 4);
/** No byte of lz4 becomes more. */
const LZ4_RATIO = 255;

/** The library decompresses whatever comes, so its blocks are looked at before: none is larger than the frame says. */
function lz4(data: Buffer, most: number): Buffer {
  const flags = data.readUInt8(4);
  const blockBytes = lz4BlockBytes((data.readUInt8(5) >> 4) & 7);
  const blockChecksum = (flags & 0x10) === 0 ? 0 : 4;
  let size = 0;
  // Magic, flags and block size, content size and dictionary if the flags say so, checksum of these.
  let at = 7 + ((flags & 0x08) === 0 ? 0 : 8) + ((flags & 0x01) === 0 ? 0 : 4);
  for (;;) {
    const word = data.readUInt32LE(at);
    if (word === 0) break;
    const length = word & 0x7fffffff;
    size += Math.min(blockBytes, length * (word === length ? LZ4_RATIO : 1));
    if (size > most) throw tooLarge(most);
    at += 4 + length + blockChecksum;
  }
  return decompressFrameSync(data.subarray(0, at + 4 + ((flags & 0x04) === 0 ? 0 : 4)));
}
