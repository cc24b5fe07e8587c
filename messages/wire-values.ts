/**
 * Values out of the literals of a message. Money and microseconds go from text to whole numbers directly:
 * a double of 19.99 is not 19.99, and a Date has no microseconds.
 */
import { EXACT_DIGITS, type Column, type Value } from '../domain/table/table';
import { parseTimestamp } from '../domain/watermark';

/** A value a column: `null` where a message has null or lacks the field, `undefined` where it cannot be read. */
export type Values = (Value | undefined)[];

/** What makes a value out of each kind of JSON literal; `undefined` for a literal that is no value of the column. */
export interface Reader {
  number?: (literal: string) => Value | undefined;
  text?: (text: string) => Value | undefined;
  boolean?: (value: boolean) => Value;
}

export function readerOf(column: Column): Reader {
  switch (column.type) {
    case 'bigint':
      return { number: readBigint };
    case 'integer':
      return { number: readInteger };
    case 'decimal': {
      const { precision, scale } = column;
      return { number: (literal) => readDecimal(literal, precision, scale) };
    }
    case 'double':
      return { number: readDouble };
    case 'boolean':
      return { boolean: (value) => value };
    case 'text':
    case 'json':
      return { text: readText };
    case 'uuid':
      return { text: readUuid };
    case 'date':
      return { text: readDate };
    case 'timestamp':
      return { text: (text) => (HAS_ZONE.test(text) ? undefined : parseTimestamp(text)) };
    case 'timestamptz':
      // Years 1 to 9999, which the dates of SQL, Java and Python share.
      return { text: parseTimestamp };
  }
}

const WHOLE = /^-?\d+$/;
const NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;
const LARGEST_BIGINT = 2n ** 63n - 1n;
const SMALLEST_BIGINT = -(2n ** 63n);
const LONE_SURROGATE = /\p{Surrogate}/u;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const DATE = /^\d{4}-\d\d-\d\d$/;
const HAS_ZONE = /(?:Z|[+-]\d\d(?::?\d\d)?)$/;
const DAY_MICROS = 86_400_000_000n;

/** A JSON number literal as a 64-bit whole number; `undefined` for 1.5, 1.0, 1e3 and what is too wide. */
export function readBigint(literal: string): bigint | undefined {
  // 20 characters hold every 64-bit number; a megabyte of digits is refused before it costs anything.
  if (!WHOLE.test(literal) || literal.length > 20) return undefined;
  const value = BigInt(literal);
  return value > LARGEST_BIGINT || value < SMALLEST_BIGINT ? undefined : value;
}

function readInteger(literal: string): number | undefined {
  const value = readBigint(literal);
  return value === undefined || BigInt.asIntN(32, value) !== value ? undefined : Number(value);
}

/** A JSON number literal as an unscaled whole number; `undefined` where the decimal would have to round it or lacks room. */
function readDecimal(literal: string, precision: number, scale: number): number | bigint | undefined {
  const match = NUMBER.exec(literal);
  if (match === null) return undefined;
  const whole = precision > EXACT_DIGITS ? BigInt : Number;
  const [, sign, integral = '', fraction = '', exponent = '0'] = match;
  const digits = (integral + fraction).replace(/^0+/, '');
  if (digits === '') return whole(0);
  const significant = withoutTrailingZeros(digits);
  // The unscaled value is `significant` followed by this many zeros.
  const zeros = Number(exponent) - fraction.length + scale + digits.length - significant.length;
  if (zeros < 0 || significant.length + zeros > precision) return undefined;
  const unscaled = whole(significant + '0'.repeat(zeros));
  return sign === '-' ? -unscaled : unscaled;
}

/** Not `/0+$/`, which begins anew at each zero: a number of a megabyte with zeros amid would take it hours. */
function withoutTrailingZeros(digits: string): string {
  let end = digits.length;
  while (digits[end - 1] === '0') end -= 1;
  return digits.slice(0, end);
}

function readDouble(literal: string): number | undefined {
  const value = Number(literal);
  return Number.isFinite(value) ? value : undefined;
}

/** The text itself; `undefined` where a lone surrogate (only an escape can make one) keeps it from being UTF-8. */
export function readText(text: string): string | undefined {
  return LONE_SURROGATE.test(text) ? undefined : text;
}

function readUuid(text: string): string | undefined {
  return UUID.test(text) ? text.toLowerCase() : undefined;
}

function readDate(text: string): number | undefined {
  const micros = DATE.test(text) ? parseTimestamp(`${text}T00:00:00`) : undefined;
  return micros === undefined ? undefined : Number(micros / DAY_MICROS);
}
