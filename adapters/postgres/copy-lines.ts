import type { OutgoingMessage } from '../../activities/interfaces';

const TAB = 0x09;
const NEWLINE = 0x0a;

/**
 * Cuts COPY's output into messages. Each line is `order_id <tab> JSON`; an empty order_id is NULL.
 * Values share the chunk's memory: nothing is copied but a line that spans two chunks.
 */
export async function* copyLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<OutgoingMessage[]> {
  let rest: Buffer | undefined;
  for await (const chunk of chunks) {
    const data = rest === undefined ? chunk : Buffer.concat([rest, chunk]);
    const messages: OutgoingMessage[] = [];
    let start = 0;
    for (let end = data.indexOf(NEWLINE); end !== -1; end = data.indexOf(NEWLINE, start)) {
      const tab = data.indexOf(TAB, start);
      messages.push({
        key: tab === start ? null : data.toString('latin1', start, tab),
        value: data.subarray(tab + 1, end),
      });
      start = end + 1;
    }
    rest = start < data.length ? data.subarray(start) : undefined;
    if (messages.length > 0) yield messages;
  }
  if (rest !== undefined) throw new Error('PostgreSQL ended a COPY in the middle of a line');
}
