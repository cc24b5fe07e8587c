import { isUtf8 } from 'node:buffer';
import { OTHER_FORM } from './other-form';
import { readText } from './wire-values';

/** Texts met before, by their bytes. Fixed in size: 4096 slots, a newcomer takes the place of who was there. */
const SLOTS = 4096;
/** Longer texts are rarely repeated, and would let the table grow past a megabyte. */
const LONGEST_KEPT = 64;
const table: ({ bytes: Buffer; text: string | undefined } | undefined)[] = new Array<undefined>(SLOTS).fill(
  undefined,
);

/** The text between two quotes, from a table of those met before; `undefined` where it is not text that UTF-8 has. */
export function known(
  bytes: Buffer,
  start: number,
  end: number,
  hash: number,
  escaped: boolean,
): string | undefined {
  if (end - start > LONGEST_KEPT) return decode(bytes, start, end, escaped);
  const slot = (hash ^ (hash >>> 15)) & (SLOTS - 1);
  const kept = table[slot];
  if (kept !== undefined && sameBytes(kept.bytes, bytes, start, end)) return kept.text;
  const text = decode(bytes, start, end, escaped);
  table[slot] = { bytes: Buffer.from(bytes.subarray(start, end)), text };
  return text;
}

function sameBytes(kept: Buffer, bytes: Buffer, start: number, end: number): boolean {
  if (kept.length !== end - start) return false;
  for (let i = 0; i < kept.length; i++) if (kept[i] !== bytes[start + i]) return false;
  return true;
}

/** The text between two quotes. Parts of UTF-8 cut at ASCII bytes are valid if and only if the whole is. */
function decode(bytes: Buffer, start: number, end: number, escaped: boolean): string | undefined {
  if (!isUtf8(bytes.subarray(start, end))) throw OTHER_FORM;
  if (!escaped) return bytes.toString('utf8', start, end);
  try {
    return readText(JSON.parse(bytes.toString('utf8', start - 1, end + 1)) as string);
  } catch {
    throw OTHER_FORM; // not an escape of JSON
  }
}
