import { decompress as zstd } from 'fzstd';
import { decompressFrameSync as lz4Frame } from 'lz4-napi';
import { gunzipSync } from 'node:zlib';
import { NonRetryableError } from '../../../domain/errors';
import { uncompress as snappyBlock } from 'snappyjs';

/**
 * The codecs of Kafka's message format, by the number in a batch's attributes. We send uncompressed; others may not.
 * NonRetryableError BatchNotLandable for a codec that is not known here.
 */
export function decompress(codec: number, data: Buffer): Buffer {
  switch (codec) {
    case 0:
      return data;
    case 1:
      return gunzipSync(data);
    case 2:
      return snappy(data);
    case 3:
      return lz4Frame(data);
    case 4:
      return Buffer.from(zstd(data));
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

function snappy(data: Buffer): Buffer {
  if (!data.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)) return Buffer.from(snappyBlock(data));
  const blocks: Uint8Array[] = [];
  for (let at = XERIAL_HEADER_BYTES; at < data.length;) {
    const length = data.readInt32BE(at);
    blocks.push(snappyBlock(data.subarray(at + 4, at + 4 + length)));
    at += 4 + length;
  }
  return Buffer.concat(blocks);
}
