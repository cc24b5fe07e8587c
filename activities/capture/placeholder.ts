import { ORDERS } from '../../domain/table/orders';
import { isText } from '../../domain/table/rules';
import type { ClaimCheck, OutgoingMessage } from '../../ports';

/** What a placeholder has of the row, as it stands there. The texts, which make a row large, stay in the file. */
const { key: KEY, position: POSITION } = ORDERS;
const OTHERS = ORDERS.columns.filter(
  (column) => column !== KEY && column !== POSITION && (!isText(column) || column.short),
);
const SHOWN = [KEY, POSITION, ...OTHERS].map(({ name }) => name);

/** Whatever column is the large one: none of those above needs more than this in a sane table. */
const LONGEST_SHOWN_BYTES = 400;

/**
 * The message that goes through the topic in place of a row that is larger than the topic takes. It has the row's key and
 * so its place, and says where the whole row is; the landing quarantines it as `row_oversized`.
 */
export function placeholderFor(row: OutgoingMessage, check: ClaimCheck): OutgoingMessage {
  const literals = literalsOf(row.value);
  const fields = SHOWN.flatMap((name) => {
    const literal = literals.get(name);
    return literal === undefined || literal.length > LONGEST_SHOWN_BYTES
      ? []
      : [`"${name}":${literal.toString()}`];
  });
  const { bytes, sha256, file } = check;
  fields.push(`"oversized":${JSON.stringify({ bytes, sha256, file })}`);
  return { key: row.key, value: Buffer.from(`{${fields.join(',')}}`) };
}

const [QUOTE, BACKSLASH, COMMA, CLOSING_BRACE] = [0x22, 0x5c, 0x2c, 0x7d] as const;

/**
 * The literals of a row in the wire format: numbers, nulls and texts, no white space. Bytes, because a row may be larger
 * than the largest string, and because a number must stay as it was printed.
 */
function literalsOf(json: Buffer): Map<string, Buffer> {
  const literals = new Map<string, Buffer>();
  for (let at = 1; json[at] === QUOTE;) {
    const keyEnd = endOfText(json, at);
    const start = keyEnd + 1; // over the colon
    const end = json[start] === QUOTE ? endOfText(json, start) : endOfPlain(json, start);
    literals.set(json.toString('utf8', at + 1, keyEnd - 1), json.subarray(start, end));
    at = end + 1; // over the comma
  }
  return literals;
}

/** The place after a text's closing quote: the first one that an even number of backslashes precedes. */
function endOfText(json: Buffer, start: number): number {
  for (let quote = json.indexOf(QUOTE, start + 1); quote !== -1; quote = json.indexOf(QUOTE, quote + 1)) {
    let backslashes = 0;
    while (json[quote - 1 - backslashes] === BACKSLASH) backslashes += 1;
    if (backslashes % 2 === 0) return quote + 1;
  }
  throw new Error('a row is not in the wire format: a text does not end');
}

/** The place after a number or null. */
function endOfPlain(json: Buffer, start: number): number {
  let end = start;
  while (end < json.length && json[end] !== COMMA && json[end] !== CLOSING_BRACE) end += 1;
  return end;
}
