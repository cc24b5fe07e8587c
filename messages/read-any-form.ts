import { isUtf8 } from 'node:buffer';
import { isLosslessNumber, parse } from 'lossless-json';
import type { Table, Value } from '../domain/table/table';
import { readerOf, type Reader, type Values } from './wire-values';

/** What a message holds, whatever its form. */
interface AnyForm {
  values: Values;
  /** The message stands in for a row that was larger than the topic takes. */
  oversized: boolean;
}

/**
 * The columns of any JSON object: other key order, white space, escapes, fields of no interest. A key that
 * is there twice counts by its last value, as for JSON.parse and jsonb. `undefined` where it is no JSON object in UTF-8, nests too
 * deep or is too large.
 */
export function anyFormReader({ columns }: Pick<Table, 'columns'>): (value: Buffer) => AnyForm | undefined {
  const fieldReaders = columns.map((column) => ({ name: column.name, reader: readerOf(column) }));
  return (value) => {
    if (value.length > LARGEST || !isUtf8(value)) return undefined; // toString would put U+FFFD in, silently
    const text = value.toString('utf8');
    if (nestsTooDeep(text)) return undefined;
    const fields = parseObject(text);
    if (fields === undefined) return undefined;
    return {
      values: fieldReaders.map(({ name, reader }) => valueOf(fields.get(name), reader)),
      oversized: isClaimCheck(fields.get('oversized')),
    };
  };
}

function parseObject(text: string): Map<string, unknown> | undefined {
  let value: unknown;
  try {
    value = parse(text, null, { onDuplicateKey: ({ newValue }) => newValue });
  } catch {
    return undefined;
  }
  const isObject =
    typeof value === 'object' && value !== null && !Array.isArray(value) && !isLosslessNumber(value);
  return isObject ? new Map(Object.entries(value as object)) : undefined;
}

/** null and absent are null, what the column cannot be is unreadable. */
function valueOf(value: unknown, { number, text, boolean }: Reader): Value | undefined {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string') return text?.(value);
  if (typeof value === 'boolean') return boolean?.(value);
  return isLosslessNumber(value) ? number?.(value.value) : undefined;
}

/** Whether a field is what capture puts in the place of texts that are too large: see its placeholder. */
function isClaimCheck(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { file, sha256 } = value as { file?: unknown; sha256?: unknown };
  return typeof file === 'string' && typeof sha256 === 'string' && /^[0-9a-f]{64}$/.test(sha256);
}

/** The parser takes up to 32 bytes of memory for each: 256 MB here, an eighth of what Node has. Ours in the wire form may be larger. */
const LARGEST = 8 * 1024 * 1024;

/** No order nests at all. The parser recurses, and where a stack ends must not decide a result. */
const DEEPEST = 200;

function nestsTooDeep(text: string): boolean {
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (quoted) {
      if (char === '\\') at++;
      else if (char === '"') quoted = false;
    } else if (char === '"') quoted = true;
    else if (char === '{' || char === '[') {
      if (++depth > DEEPEST) return true;
    } else if (char === '}' || char === ']') depth--;
  }
  return false;
}
