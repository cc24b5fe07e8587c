import { isUtf8 } from 'node:buffer';
import { isLosslessNumber, parse } from 'lossless-json';
import type { KeptRow } from '../../ports';
import type { Columns } from './wire-values';
import { readCreatedAt, readHundredths, readOrderId, readText } from './wire-values';

/**
 * The columns of any JSON object: other key order, white space, escapes, fields of no interest. A key that
 * is there twice counts by its last value, as for JSON.parse and jsonb. `undefined` where it is no JSON object in UTF-8.
 */
export function readAnyForm(value: Buffer): Columns | undefined {
  if (!isUtf8(value)) return undefined; // toString would put U+FFFD in, silently
  const text = value.toString('utf8');
  if (nestsTooDeep(text)) return undefined;
  const fields = parseObject(text);
  if (fields === undefined) return undefined;
  return {
    orderId: literalOf(fields.get('order_id'), readOrderId),
    customerName: textOf(fields.get('customer_name'), readText),
    restaurantName: textOf(fields.get('restaurant_name'), readText),
    item: textOf(fields.get('item'), readText),
    amountHundredths: literalOf(fields.get('amount'), readHundredths),
    orderStatus: textOf(fields.get('order_status'), readText),
    createdAtMicros: textOf(fields.get('created_at'), readCreatedAt),
    ...(isKeptRow(fields.get('oversized')) ? { oversized: true } : {}),
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

/** A number's literal, read; null and absent are null, everything else is unreadable. */
function literalOf<T>(value: unknown, read: (literal: string) => T | undefined): T | null | undefined {
  if (value === null || value === undefined) return null;
  return isLosslessNumber(value) ? read(value.value) : undefined;
}

function textOf<T>(value: unknown, read: (text: string) => T | undefined): T | null | undefined {
  if (value === null || value === undefined) return null;
  return typeof value === 'string' ? read(value) : undefined;
}

/** Whether a field is what capture puts in the place of texts that are too large: see its stand-in. */
function isKeptRow(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { file, sha256 } = value as Partial<KeptRow>;
  return typeof file === 'string' && typeof sha256 === 'string' && /^[0-9a-f]{64}$/.test(sha256);
}

/** No order nests at all. The parser recurses, and where a stack ends must not decide a verdict. */
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
