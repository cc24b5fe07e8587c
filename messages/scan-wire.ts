/**
 * The quick way through our own capture's messages: fixed key order, no spaces (see the contract of the data).
 * It reads bytes, so a text that was met before costs no new string: 500,000 rows have few names and dishes.
 * Everything unusual is left to `lossless-json`, which must and does (see its test) come to the same columns.
 */
import { EXACT_DIGITS, type Column, type Table, type Value } from '../domain/table/table';
import { parseTimestamp } from '../domain/watermark';
import { known } from './known-texts';
import { OTHER_FORM } from './other-form';
import { readBigint, readerOf, type Reader, type Values } from './wire-values';

const [QUOTE, BACKSLASH, COMMA, MINUS, POINT, ZERO, NINE, BRACE] = [
  0x22, 0x5c, 0x2c, 0x2d, 0x2e, 0x30, 0x39, 0x7d,
] as const;
const [NULL, TRUE, FALSE, END] = ['null', 'true', 'false', '}'].map((text) => Buffer.from(text)) as [
  Buffer,
  Buffer,
  Buffer,
  Buffer,
];

/** What comes next in a message: a key, and a value of this kind. */
interface Step {
  /** With what precedes it: `,"item":`. */
  key: Buffer;
  kind: 'bigint' | 'decimal' | 'text' | 'instant' | 'other';
  /** Of a decimal: the most characters before the point, and the decimals. */
  integral: number;
  scale: number;
  reader: Reader;
}

/** The columns of a message in the wire form; `undefined` for any other form, malformed ones included. */
export type WireScanner = (value: Buffer) => Values | undefined;

export function wireScanner({ columns }: Pick<Table, 'columns'>): WireScanner {
  const steps = columns.map(stepOf);
  return (value) => {
    try {
      return new WireScan(value).row(steps);
    } catch (error) {
      if (error === OTHER_FORM) return undefined;
      throw error;
    }
  };
}

function stepOf(column: Column, index: number): Step {
  const key = Buffer.from(`${index === 0 ? '{' : ','}${JSON.stringify(column.name)}:`);
  const { precision, scale } = column.type === 'decimal' ? column : { precision: 0, scale: 0 };
  return { key, kind: kindOf(column), integral: precision - scale, scale, reader: readerOf(column) };
}

function kindOf(column: Column): Step['kind'] {
  switch (column.type) {
    case 'bigint':
      return 'bigint';
    case 'decimal':
      // Whole numbers of more digits are no longer exact in a double, and those without decimals have no point.
      return column.precision <= EXACT_DIGITS && column.scale > 0 && column.scale < column.precision
        ? 'decimal'
        : 'other';
    case 'text':
    case 'json':
      return 'text';
    case 'timestamptz':
      return 'instant';
    default:
      return 'other';
  }
}

class WireScan {
  private at = 0;

  constructor(private readonly bytes: Buffer) {}

  row(steps: readonly Step[]): Values {
    const values = new Array<Value | undefined>(steps.length);
    for (let i = 0; i < steps.length; i++) {
      const step = steps[i] as Step;
      this.expect(step.key);
      values[i] = this.skipNull() ? null : this.value(step);
    }
    this.expect(END);
    if (this.at !== this.bytes.length) throw OTHER_FORM;
    return values;
  }

  private value(step: Step): Value | undefined {
    switch (step.kind) {
      case 'text':
        return this.text();
      case 'bigint':
        return this.bigint();
      case 'decimal':
        return this.decimal(step);
      case 'instant':
        return this.instant(step.reader);
      case 'other':
        return this.other(step.reader);
    }
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

  private bigint(): bigint | undefined {
    const start = this.at;
    const digits = this.whole();
    // Up to 15 digits a double is exact, and a bigint is made several times quicker from it than from text.
    return this.at - start <= 15 ? BigInt(digits) : readBigint(this.bytes.toString('latin1', start, this.at));
  }

  private decimal({ integral, scale }: Step): number {
    const start = this.at;
    const negative = this.bytes[start] === MINUS;
    const most = negative ? integral + 1 : integral;
    let unscaled = Math.abs(this.whole());
    // As many digits and decimals as the column has: it holds them, and so does a double as a whole number.
    if (this.at - start > most || this.bytes[this.at++] !== POINT) throw OTHER_FORM;
    for (let i = 0; i < scale; i++) unscaled = unscaled * 10 + this.digit();
    return negative && unscaled !== 0 ? -unscaled : unscaled;
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

  private text(): string | undefined {
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

  private instant(reader: Reader): Value | undefined {
    const start = this.at;
    const micros = this.plainTimestamp();
    if (micros !== undefined) return micros;
    this.at = start;
    return this.other(reader);
  }

  /** Any literal, by way of its text. */
  private other({ text, number, boolean }: Reader): Value | undefined {
    const { bytes } = this;
    const start = this.at;
    if (bytes[start] === QUOTE) {
      const value = this.text();
      return value === undefined ? undefined : text?.(value);
    }
    const first = bytes[start];
    if (first === TRUE[0] || first === FALSE[0]) {
      this.expect(first === TRUE[0] ? TRUE : FALSE);
      return boolean?.(first === TRUE[0]);
    }
    for (let code = bytes[this.at]; code !== COMMA && code !== BRACE; code = bytes[++this.at]) {
      if (code === undefined) throw OTHER_FORM;
    }
    const literal = bytes.toString('latin1', start, this.at);
    if (!JSON_NUMBER.test(literal)) throw OTHER_FORM;
    return number?.(literal);
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

const JSON_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

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
