/**
 * Values out of the literals of a message. Money and microseconds go from text to whole numbers directly:
 * a double of 19.99 is not 19.99, and a Date has no microseconds.
 */
import type { Order } from '../../domain/order';
import { parseTimestamp } from '../../domain/watermark';

/** The columns of a message: `null` where it has null or lacks the field, `undefined` where it cannot be read. */
export type Columns = { [K in keyof Order]: Order[K] | undefined } & {
  /** The message stands in for a row that was larger than the topic takes. */
  oversized?: true;
};

const WHOLE = /^-?\d+$/;
const NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;
const LARGEST_ID = 2n ** 63n - 1n;
const SMALLEST_ID = -(2n ** 63n);
/** 0001-01-01 to 9999-12-31, which the dates of SQL, Java and Python share; an offset can push a text past it. */
const EARLIEST_MICROS = -62_135_596_800_000_000n;
const LATEST_MICROS = 253_402_300_799_999_999n;
const LONE_SURROGATE = /\p{Surrogate}/u;

/** A JSON number literal as a 64-bit whole number; `undefined` for 1.5, 1.0, 1e3 and what is too wide. */
export function readOrderId(literal: string): bigint | undefined {
  // 20 characters hold every 64-bit number; a megabyte of digits is refused before it costs anything.
  if (!WHOLE.test(literal) || literal.length > 20) return undefined;
  const value = BigInt(literal);
  return value > LARGEST_ID || value < SMALLEST_ID ? undefined : value;
}

/** A JSON number literal as hundredths; `undefined` where DECIMAL(10,2) would have to round it or lacks room. */
export function readHundredths(literal: string): number | undefined {
  const match = NUMBER.exec(literal);
  if (match === null) return undefined;
  const [, sign, whole = '', fraction = '', exponent = '0'] = match;
  const digits = (whole + fraction).replace(/^0+/, '');
  if (digits === '') return 0;
  const significant = digits.replace(/0+$/, '');
  // In hundredths the value is `significant` followed by this many zeros.
  const zeros = Number(exponent) - fraction.length + 2 + digits.length - significant.length;
  if (zeros < 0 || significant.length + zeros > 10) return undefined;
  const hundredths = Number(significant + '0'.repeat(zeros));
  return sign === '-' ? -hundredths : hundredths;
}

/** Microseconds since 1970 of a timestamp in the years 1 to 9999; `undefined` where it is not one. */
export function readCreatedAt(text: string): bigint | undefined {
  const micros = parseTimestamp(text);
  return micros === undefined || micros < EARLIEST_MICROS || micros > LATEST_MICROS ? undefined : micros;
}

/** The text itself; `undefined` where a lone surrogate (only an escape can make one) keeps it from being UTF-8. */
export function readText(text: string): string | undefined {
  return LONE_SURROGATE.test(text) ? undefined : text;
}
