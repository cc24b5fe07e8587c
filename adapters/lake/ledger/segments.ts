/**
 * Old entries, a thousand in one file: `_ledger/segments/0000000001-0000001000.json.gz` holds their very bytes, one after the
 * other, so that their hashes prove the chain as before. An entry ends with the first brace at the beginning of a line.
 */
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { Storage } from '../../../ports';
import { OddFile } from '../../shared/small-file';
import { rangeOfSegment, segmentName, SEGMENTS } from '../files';
import { SEGMENT_ENTRIES } from './sizes';

/** What a segment may unfold to: a thousand entries of 2,000 files have more, and stay files of their own. */
const LARGEST = 256 * 1024 * 1024;
/** What a storage reads at once. */
const LARGEST_PACKED = 16 * 1024 * 1024;

/** The number of the first entry of the segment that holds this one. */
export function firstOfSegment(sequence: number): number {
  return sequence - ((sequence - 1) % SEGMENT_ENTRIES);
}

/** The first entries of the segments there are, in order. */
export async function segmentsIn(lake: Storage): Promise<number[]> {
  return (await lake.list(SEGMENTS)).flatMap((name) => {
    const [first = 0, last = 0] = rangeOfSegment(name) ?? [];
    return first > 0 && first === firstOfSegment(first) && last === first + SEGMENT_ENTRIES - 1 ? first : [];
  });
}

/** A segment that is there and does not unfold to its entries. */
export class UnreadableSegment extends Error {
  override readonly name = 'UnreadableSegment';
}

/** The bytes of each entry of a segment; `undefined` where there is none. Throws UnreadableSegment. */
export async function readSegment(lake: Storage, first: number): Promise<Buffer[] | undefined> {
  const name = segmentName(first, SEGMENT_ENTRIES);
  try {
    const packed = await lake.get(name);
    if (packed === undefined) return undefined;
    const entries = entriesOf(await unpack(packed));
    if (entries.length === SEGMENT_ENTRIES) return entries;
    throw new RangeError(`it has ${entries.length} entries`);
  } catch (error) {
    if (!isOurs(error)) throw error;
    throw new UnreadableSegment(
      `${lake.locate(name)} does not hold ${SEGMENT_ENTRIES} ledger entries: ${(error as Error).message}`,
      { cause: error },
    );
  }
}

/** Errors of zlib have codes of their own, which say that the bytes are wrong; the system's may pass. */
function isOurs(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return (
    error instanceof OddFile ||
    error instanceof RangeError ||
    (typeof code === 'string' && (code.startsWith('Z_') || code === 'ERR_BUFFER_TOO_LARGE'))
  );
}

const unpack = (packed: Buffer) => promisify(gunzip)(packed, { maxOutputLength: LARGEST });

/** The file of these entries; `undefined` where it would not unfold to the same, or is too large. */
export async function encodeSegment(entries: readonly Buffer[]): Promise<Buffer | undefined> {
  const bytes = Buffer.concat(entries);
  const again = entriesOf(bytes);
  const isSame =
    bytes.length <= LARGEST &&
    again.length === entries.length &&
    again.every((entry, index) => entry.equals(entries[index]!));
  if (!isSame) return undefined;
  const packed = await pack(bytes);
  return packed.length <= LARGEST_PACKED ? packed : undefined;
}

export const pack = (bytes: Buffer): Promise<Buffer> => promisify(gzip)(bytes);

const END = Buffer.from('\n}\n');

function entriesOf(bytes: Buffer): Buffer[] {
  const entries: Buffer[] = [];
  for (let from = 0; from < bytes.length;) {
    const end = bytes.indexOf(END, from);
    const to = end < 0 ? bytes.length : end + END.length;
    entries.push(bytes.subarray(from, to));
    from = to;
  }
  return entries;
}
