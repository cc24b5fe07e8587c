/** Values as Iceberg writes them in bounds: its "single-value serialization". */
import type { Value } from '../../domain/table/table';

/** Of texts only so many characters stand in bounds, as with all writers of Iceberg. */
const TEXT_LENGTH = 16;

/** The bytes of a value of an Iceberg type. Times are microseconds, dates days, decimals unscaled whole numbers. */
export function serialize(type: string, value: NonNullable<Value>): Buffer {
  if (type.startsWith('decimal')) return bigEndian(BigInt(value));
  switch (type) {
    case 'boolean':
      return Buffer.from([value === true ? 1 : 0]);
    case 'int':
    case 'date':
      return littleEndian(4, (bytes) => bytes.writeInt32LE(Number(value)));
    case 'long':
    case 'timestamp':
    case 'timestamptz':
      return littleEndian(8, (bytes) => bytes.writeBigInt64LE(BigInt(value)));
    case 'double':
      return littleEndian(8, (bytes) => bytes.writeDoubleLE(Number(value)));
    case 'uuid':
      return Buffer.from(String(value).replaceAll('-', ''), 'hex');
    case 'string':
      return Buffer.from(String(value));
    default:
      throw new RangeError(`${type} is no type of a column`);
  }
}

/** At most the text, and short. */
export function lowerText(text: string): string {
  return [...text.slice(0, 2 * TEXT_LENGTH)].slice(0, TEXT_LENGTH).join('');
}

/** At least the text, and short; `undefined` where no short text is. */
export function upperText(text: string): string | undefined {
  const points = [...text.slice(0, 2 * TEXT_LENGTH + 1)];
  if (points.length <= TEXT_LENGTH) return text;
  for (let at = TEXT_LENGTH - 1; at >= 0; at--) {
    const next = (points[at] as string).codePointAt(0)! + 1;
    // Between these are halves of pairs, no characters.
    const character = next >= 0xd800 && next <= 0xdfff ? 0xe000 : next;
    if (character <= 0x10ffff) return points.slice(0, at).join('') + String.fromCodePoint(character);
  }
  return undefined;
}

function littleEndian(length: number, write: (bytes: Buffer) => void): Buffer {
  const bytes = Buffer.alloc(length);
  write(bytes);
  return bytes;
}

/** Two's complement in as few bytes as hold it. */
function bigEndian(value: bigint): Buffer {
  let length = 1;
  while (BigInt.asIntN(8 * length, value) !== value) length++;
  return Buffer.from(
    BigInt.asUintN(8 * length, value)
      .toString(16)
      .padStart(2 * length, '0'),
    'hex',
  );
}
