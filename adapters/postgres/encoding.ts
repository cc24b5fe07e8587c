/**
 * Rows of a database that is neither UTF-8 nor of no encoding (SQL_ASCII). One character that UTF-8 lacks would fail a whole
 * COPY indefinitely. So rows come as they are stored, and are turned into UTF-8 apart from it: one that cannot be goes on as it
 * is, to be quarantined by the landing.
 */
import { isAscii, isUtf8 } from 'node:buffer';
import { DatabaseError } from 'pg';
import type { OutgoingMessage } from '../../ports';

type Query = <R extends { bytes: Buffer }>(text: string, values: unknown[]) => Promise<{ rows: R[] }>;

/** Bytes that are no character, a character without an equivalent, no conversion at all. */
const NOT_CONVERTIBLE = ['22021', '22P05', '42883'];

const CONVERT_SQL = `
  SELECT convert(v.bytes, $2, 'UTF8') AS bytes FROM unnest($1::bytea[]) WITH ORDINALITY v (bytes, place) ORDER BY v.place`;

/** Whether texts reach us as they are when they are asked for in `client_encoding`, see session.ts. */
export const comesAsItIs = (encoding: string) => encoding === 'UTF8' || encoding === 'SQL_ASCII';

export async function* inUtf8(
  chunks: AsyncIterable<OutgoingMessage[]>,
  encoding: string,
  query: Query,
): AsyncGenerator<OutgoingMessage[]> {
  for await (const messages of chunks) {
    // ASCII is the same in all of them, and most rows are nothing else.
    const others = messages.filter(({ value }) => !isAscii(value));
    const converted = await convert(
      others.map(({ value }) => value),
      encoding,
      query,
    );
    const valueOf = new Map(others.map((message, index) => [message, converted[index]!]));
    yield messages.map((message) => ({ ...message, value: valueOf.get(message) ?? message.value }));
  }
}

/** Finds those that cannot be converted by halves: they are few. */
async function convert(values: Buffer[], encoding: string, query: Query): Promise<Buffer[]> {
  if (values.length === 0) return [];
  try {
    const { rows } = await query(CONVERT_SQL, [values, encoding]);
    return rows.map(({ bytes }) => bytes);
  } catch (error) {
    if (!(error instanceof DatabaseError) || !NOT_CONVERTIBLE.includes(error.code ?? '')) throw error;
    if (values.length === 1) return [asItIs(values[0]!)];
    const half = values.length >> 1;
    const first = await convert(values.slice(0, half), encoding, query);
    return [...first, ...(await convert(values.slice(half), encoding, query))];
  }
}

/** Bytes of another encoding may pass for UTF-8 by chance, and would land as other characters: one more makes sure. */
function asItIs(value: Buffer): Buffer {
  return isUtf8(value) ? Buffer.concat([value, Buffer.of(0xff)]) : value;
}
