import { shown } from './bounded';

/**
 * A place in the total order of the orders table: (created_at in microseconds, order_id).
 *
 * Held as text, never as Date or number: a Date has no microseconds and an order_id may exceed 2^53.
 */
export interface Watermark {
  /** UTC, always 27 characters: `2025-11-18T10:00:00.123456Z`. Fixed width, so text order is time order. */
  createdAt: string;
  /** order_id in decimal. */
  orderId: string;
}

const TIMESTAMP = /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?(Z|[+-]\d\d(?::?\d\d)?)?$/;

/**
 * Microseconds since 1970-01-01T00:00:00Z of an ISO 8601 timestamp; `undefined` where it is not one
 * (also a 31 February, or more than six decimals). Without an offset it is read as UTC.
 */
export function parseTimestamp(text: string): bigint | undefined {
  const m = TIMESTAMP.exec(text);
  if (m === null) return undefined;
  const [year, month, day, hour, minute, second] = m.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  // setUTCFullYear, because Date.UTC takes the years 0 to 99 for 1900 to 1999.
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  if (year === 0 || hour > 23 || minute > 59 || second > 59) return undefined;
  const offset = offsetSeconds(m[8] ?? 'Z');
  if (offset === undefined) return undefined;
  const seconds = date.getTime() / 1000 + hour * 3600 + minute * 60 + second - offset;
  const micros = BigInt(seconds) * 1_000_000n + BigInt((m[7] ?? '').padEnd(6, '0'));
  // An offset can lead out of the years that the text form has.
  return micros < FIRST_MICROS || micros > LAST_MICROS ? undefined : micros;
}

/** Seconds since 1970 of a timestamp of ours. */
export function secondsOf(timestamp: string): number {
  return Number(parseTimestamp(timestamp) ?? 0n) / 1e6;
}

/** 0001-01-01T00:00:00Z and the last microsecond of 9999. */
const FIRST_MICROS = -62_135_596_800_000_000n;
const LAST_MICROS = 253_402_300_799_999_999n;

function offsetSeconds(text: string): number | undefined {
  if (text === 'Z') return 0;
  const hours = Number(text.slice(1, 3));
  const minutes = text.length > 3 ? Number(text.slice(-2)) : 0;
  if (hours > 15 || minutes > 59) return undefined;
  return (text.startsWith('-') ? -1 : 1) * (hours * 3600 + minutes * 60);
}

/** The 27-character UTC text of microseconds since 1970 (years 1 to 9999). */
export function formatTimestamp(micros: bigint): string {
  const fraction = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const seconds = new Date(Number((micros - fraction) / 1000n)).toISOString().slice(0, 19);
  return `${seconds}.${String(fraction).padStart(6, '0')}Z`;
}

/** Negative, zero or positive as `a` stands before, at or after `b`. */
export function compareWatermarks(a: Watermark, b: Watermark): number {
  if (a.createdAt !== b.createdAt) return a.createdAt < b.createdAt ? -1 : 1;
  const [x, y] = [BigInt(a.orderId), BigInt(b.orderId)];
  return x < y ? -1 : x > y ? 1 : 0;
}

/** The text form of the replaced pipeline's state file: `2025-11-18 10:00:00.123456|1` (UTC). */
export function formatWatermark(watermark: Watermark): string {
  return `${watermark.createdAt.slice(0, 26).replace('T', ' ')}|${watermark.orderId}`;
}

/** The lowest id there can be: a watermark with it stands before every row of its time. */
export const LOWEST_ORDER_ID = '-9223372036854775808';

/** {@link formatWatermark} for people: without an id that says nothing. */
export function describeWatermark(watermark: Watermark): string {
  const text = formatWatermark(watermark);
  return watermark.orderId === LOWEST_ORDER_ID ? text.slice(0, text.indexOf('|')) : text;
}

/** A watermark from its parts as a person writes them (a date alone is its midnight); throws a RangeError that says what is wrong. */
export function watermarkFrom(parts: {
  createdAt: string;
  orderId?: string | number | undefined;
}): Watermark {
  const { createdAt } = parts;
  const isDate = /^\d{4}-\d\d-\d\d$/.test(createdAt);
  const micros = parseTimestamp(isDate ? `${createdAt}T00:00:00` : createdAt);
  if (micros === undefined) {
    throw new RangeError(
      `createdAt ${shown(parts.createdAt)} is not a timestamp such as 2025-11-18T10:00:00.123456Z`,
    );
  }
  // Without an id: before every row of that time, whatever its id is.
  const orderId = String(parts.orderId ?? LOWEST_ORDER_ID);
  if (!/^-?\d{1,19}$/.test(orderId) || BigInt.asIntN(64, BigInt(orderId)) !== BigInt(orderId)) {
    throw new RangeError(`orderId ${shown(parts.orderId)} is not a whole number of 64 bits`);
  }
  return { createdAt: formatTimestamp(micros), orderId };
}

/** Reads {@link formatWatermark}'s form (a `T`, an offset or fewer decimals are fine too); throws a RangeError. */
export function parseWatermark(text: string): Watermark {
  const [createdAt = '', orderId] = text.trim().split('|');
  return watermarkFrom({ createdAt, orderId });
}
