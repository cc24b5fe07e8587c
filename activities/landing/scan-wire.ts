/**
 * The quick way through our own capture's messages: fixed key order, no spaces (see the contract of the data).
 * It reads bytes, so a text that was met before costs no new string: 500,000 rows have few names and dishes.
 * Everything unusual is left to `lossless-json`, which must and does (see its test) come to the same columns.
 */
import { isUtf8 } from 'node:buffer';
import { parseTimestamp } from '../../domain/watermark';
import type { Columns } from './wire-values';
import { readCreatedAt, readOrderId, readText } from './wire-values';

const [QUOTE, BACKSLASH, MINUS, POINT, ZERO, NINE] = [0x22, 0x5c, 0x2d, 0x2e, 0x30, 0x39] as const;
const KEY_ORDER_ID = Buffer.from('{"order_id":');
const KEY_CUSTOMER_NAME = Buffer.from(',"customer_name":');
const KEY_RESTAURANT_NAME = Buffer.from(',"restaurant_name":');
const KEY_ITEM = Buffer.from(',"item":');
const KEY_AMOUNT = Buffer.from(',"amount":');
const KEY_ORDER_STATUS = Buffer.from(',"order_status":');
const KEY_CREATED_AT = Buffer.from(',"created_at":');
const NULL = Buffer.from('null');
const END = Buffer.from('}');

/** Thrown to leave the quick way; one object, because a stack trace a message would cost more than the parse. */
const OTHER_FORM = new Error('not the wire form');

/** The columns of a message in the wire form; `undefined` for any other form, malformed ones included. */
export function scanWire(value: Buffer): Columns | undefined {
  try {
    return new WireScan(value).columns();
  } catch (error) {
    if (error === OTHER_FORM) return undefined;
    throw error;
  }
}

class WireScan {
  private at = 0;

  constructor(private readonly bytes: Buffer) {}

  columns(): Columns {
    this.expect(KEY_ORDER_ID);
    const orderId = this.orderId();
    this.expect(KEY_CUSTOMER_NAME);
    const customerName = this.text();
    this.expect(KEY_RESTAURANT_NAME);
    const restaurantName = this.text();
    this.expect(KEY_ITEM);
    const item = this.text();
    this.expect(KEY_AMOUNT);
    const amountHundredths = this.hundredths();
    this.expect(KEY_ORDER_STATUS);
    const orderStatus = this.text();
    this.expect(KEY_CREATED_AT);
    const createdAtMicros = this.createdAt();
    this.expect(END);
    if (this.at !== this.bytes.length) throw OTHER_FORM;
    return { orderId, customerName, restaurantName, item, amountHundredths, orderStatus, createdAtMicros };
  }

  private expect(literal: Buffer): void {
    const { bytes, at } = this;
    for (let i = 0; i < literal.length; i++) if (bytes[at + i] !== literal[i]) throw OTHER_FORM;
    this.at = at + literal.length;
  }

  private skipNull(): boolean {
    if (this.bytes[this.at] !== NULL[0]) return false;
    this.expect(NULL);
    return true;
  }

  private orderId(): bigint | null | undefined {
    if (this.skipNull()) return null;
    const start = this.at;
    const digits = this.whole();
    // Up to 15 digits a double is exact, and a bigint is made several times quicker from it than from text.
    return this.at - start <= 15
      ? BigInt(digits)
      : readOrderId(this.bytes.toString('latin1', start, this.at));
  }

  private hundredths(): number | null {
    if (this.skipNull()) return null;
    const start = this.at;
    const negative = this.bytes[start] === MINUS;
    const whole = Math.abs(this.whole());
    // At most 8 digits and two decimals: DECIMAL(10,2) holds it, and so does a double as a whole number.
    if (this.at - start > 8 || this.bytes[this.at++] !== POINT) throw OTHER_FORM;
    const hundredths = whole * 100 + this.digit() * 10 + this.digit();
    return negative && hundredths !== 0 ? -hundredths : hundredths;
  }

  /** A JSON whole number; what follows its digits is the caller's to check. */
  private whole(): number {
    const { bytes } = this;
    const negative = bytes[this.at] === MINUS;
    if (negative) this.at++;
    const first = this.at;
    let value = this.digit();
    for (
      let code = bytes[this.at];
      code !== undefined && code >= ZERO && code <= NINE;
      code = bytes[++this.at]
    ) {
      value = value * 10 + code - ZERO;
    }
    if (bytes[first] === ZERO && this.at - first > 1) throw OTHER_FORM;
    return negative && value !== 0 ? -value : value;
  }

  private digit(): number {
    const code = this.bytes[this.at++];
    if (code === undefined || code < ZERO || code > NINE) throw OTHER_FORM;
    return code - ZERO;
  }

  private text(): string | null | undefined {
    if (this.skipNull()) return null;
    const { bytes } = this;
    if (bytes[this.at] !== QUOTE) throw OTHER_FORM;
    const start = ++this.at;
    let escaped = false;
    let hash = 0;
    let at = start;
    for (let code = bytes[at]; code !== QUOTE; code = bytes[++at]) {
      if (code === undefined || code < 0x20) throw OTHER_FORM;
      if (code === BACKSLASH) {
        escaped = true;
        at++; // whatever follows, a quote above all, belongs to the escape
      }
      hash = (Math.imul(hash, 31) + code) | 0;
    }
    this.at = at + 1;
    return known(bytes, start, at, hash, escaped);
  }

  private createdAt(): bigint | null | undefined {
    if (this.skipNull()) return null;
    const start = this.at;
    const micros = this.plainTimestamp();
    if (micros !== undefined) return micros;
    this.at = start;
    const text = this.text();
    return typeof text === 'string' ? readCreatedAt(text) : undefined;
  }

  /** `"2025-11-18T10:00:00.123456Z"`, byte by byte; `undefined` where it is not exactly that. */
  private plainTimestamp(): bigint | undefined {
    const { bytes } = this;
    if (bytes[this.at] !== QUOTE) return undefined;
    const start = this.at + 1;
    if (bytes[start + 10] !== 0x54 || bytes[start + 26] !== 0x5a || bytes[start + 27] !== QUOTE)
      return undefined;
    if (bytes[start + 13] !== 0x3a || bytes[start + 16] !== 0x3a || bytes[start + 19] !== POINT)
      return undefined;
    const day = daySeconds(bytes, start);
    const hour = pair(bytes, start + 11);
    const minute = pair(bytes, start + 14);
    const second = pair(bytes, start + 17);
    const fraction =
      pair(bytes, start + 20) * 10_000 + pair(bytes, start + 22) * 100 + pair(bytes, start + 24);
    // NaN, from anything but a digit, fails each of these comparisons.
    if (!(hour <= 23 && minute <= 59 && second <= 59)) return undefined;
    const micros = (day + hour * 3600 + minute * 60 + second) * 1_000_000 + fraction;
    // Whole numbers are exact in a double up to 2^53, here the year 2255; later ones go the general way.
    if (!Number.isSafeInteger(micros)) return undefined;
    this.at = start + 28;
    return BigInt(micros);
  }
}

function pair(bytes: Buffer, at: number): number {
  const [tens, units] = [bytes[at] as number, bytes[at + 1] as number];
  return tens < ZERO || tens > NINE || units < ZERO || units > NINE ? NaN : (tens - ZERO) * 10 + units - ZERO;
}

/** The last day met and its first second since 1970: rows come in time order, and a day's arithmetic is slow. */
const lastDay = { digits: -1, seconds: NaN };

/** The first second of the `YYYY-MM-DD` at `start`; NaN where it is no day. */
function daySeconds(bytes: Buffer, start: number): number {
  const digits =
    pair(bytes, start) * 1_000_000 +
    pair(bytes, start + 2) * 10_000 +
    pair(bytes, start + 5) * 100 +
    pair(bytes, start + 8);
  if (digits === lastDay.digits && bytes[start + 4] === MINUS && bytes[start + 7] === MINUS) {
    return lastDay.seconds;
  }
  const micros = parseTimestamp(`${bytes.toString('latin1', start, start + 10)}T00:00:00Z`);
  if (micros === undefined) return NaN;
  lastDay.digits = digits;
  lastDay.seconds = Number(micros / 1_000_000n);
  return lastDay.seconds;
}

/** Texts met before, by their bytes. Fixed in size: 4096 slots, a newcomer takes the place of who was there. */
const SLOTS = 4096;
/** Longer texts are rarely repeated, and would let the table grow past a megabyte. */
const LONGEST_KEPT = 64;
const table: ({ bytes: Buffer; text: string | undefined } | undefined)[] = new Array<undefined>(SLOTS).fill(
  undefined,
);

function known(
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
