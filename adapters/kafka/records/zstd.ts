import { decompress, Decompress } from 'fzstd';

const FRAME = 0xfd2fb528;
const SKIPPABLE = 0x184d2a50;
/** For each block the library moves the whole window: so many bytes in all, some 2 s. 512 blocks with the 2 MiB of zstd's default take 1 GiB. */
const MOST_MOVED = 8 * 1024 ** 3;

interface Frame {
  /** Bytes of its window, which are put aside at once. */
  window: number;
  /** As it says of itself. */
  content: number | undefined;
  blocks: number;
}

/**
 * Inflates zstd frames. Throws a RangeError before memory is taken where they say that they, or their windows, are larger
 * than `most`, and once they are.
 */
export function zstd(data: Buffer, most: number): Buffer {
  const frames = [...framesOf(data)];
  const known = frames.reduce((sum, { content = Infinity }) => sum + content, 0);
  if (known <= most) return Buffer.from(decompress(data));
  if (frames.some(({ window }) => window > most) || (known !== Infinity && known > most))
    throw tooLarge(most);
  const moved = frames.reduce((sum, { window, blocks }) => sum + window * blocks, 0);
  if (moved > MOST_MOVED) throw new RangeError('its zstd blocks are too many for their window');
  const chunks: Uint8Array[] = [];
  let size = 0;
  const stream = new Decompress((chunk) => {
    size += chunk.length;
    if (size > most) throw tooLarge(most);
    chunks.push(chunk.slice());
  });
  stream.push(data, true);
  return Buffer.concat(chunks, size);
}

export function tooLarge(most: number): RangeError {
  return new RangeError(`it is larger than ${most / 1024 ** 2} MiB once decompressed`);
}

/** The frames of the data, by their headers (RFC 8878). Reading past the end throws a RangeError. */
function* framesOf(data: Buffer): Generator<Frame> {
  for (let start = 0; start < data.length;) {
    const magic = data.readUInt32LE(start);
    if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE) {
      start += 8 + data.readUInt32LE(start + 4);
      continue;
    }
    if (magic !== FRAME) throw new RangeError('it is no zstd frame');
    const { at, window, content, checksum } = headerOf(data, start + 4);
    const end = blocksOf(data, at);
    start = end.at + checksum;
    yield { window, content, blocks: end.blocks };
  }
}

function headerOf(data: Buffer, start: number) {
  const flags = data.readUInt8(start);
  const isWhole = (flags & 0x20) !== 0; // one segment: the window is the content
  let at = start + 1;
  let window = 0;
  if (!isWhole) {
    const described = data.readUInt8(at++);
    const base = 2 ** (10 + (described >> 3));
    window = base + (base / 8) * (described & 7);
  }
  at += [0, 1, 2, 4][flags & 3]!; // a dictionary's id
  const bytes = [isWhole ? 1 : 0, 2, 4, 8][flags >> 6]!;
  const content =
    bytes === 0 ? 0 : bytes === 8 ? Number(data.readBigUInt64LE(at)) : data.readUIntLE(at, bytes);
  const size = bytes === 2 ? content + 256 : content;
  return {
    at: at + bytes,
    window: isWhole ? size : window,
    // The library takes 0 for unknown.
    content: size === 0 ? undefined : size,
    checksum: (flags & 4) === 0 ? 0 : 4,
  };
}

const RLE = 1;

function blocksOf(data: Buffer, start: number): { at: number; blocks: number } {
  for (let at = start, blocks = 1; ; blocks += 1) {
    const header = data.readUIntLE(at, 3);
    at += 3 + (((header >> 1) & 3) === RLE ? 1 : header >> 3);
    if ((header & 1) !== 0) return { at, blocks };
  }
}
