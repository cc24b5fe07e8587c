import type { OutgoingMessage } from '../../ports';

const TAB = 0x09;
const NEWLINE = 0x0a;

/**
 * Cuts COPY's output into messages. Each line is `key <tab> JSON`; an empty key is NULL.
 * Values share the chunk's memory: nothing is copied but a line that spans chunks, and that one once.
 */
export async function* copyLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<OutgoingMessage[]> {
  let begun: Buffer[] = [];
  for await (const chunk of chunks) {
    const firstEnd = chunk.indexOf(NEWLINE);
    if (firstEnd === -1) {
      if (chunk.length > 0) begun.push(chunk);
      continue;
    }
    const messages: OutgoingMessage[] = [];
    const data = begun.length === 0 ? chunk : Buffer.concat([...begun, chunk]);
    let start = 0;
    let end = data.length - chunk.length + firstEnd;
    for (; end !== -1; end = data.indexOf(NEWLINE, start)) {
      const tab = data.indexOf(TAB, start);
      if (tab === -1 || tab > end) throw new Error('PostgreSQL sent a line of a COPY without its key');
      messages.push({
        key: tab === start ? null : data.toString('latin1', start, tab),
        value: data.subarray(tab + 1, end),
      });
      start = end + 1;
    }
    begun = start < data.length ? [data.subarray(start)] : [];
    yield messages;
  }
  if (begun.length > 0) throw new Error('PostgreSQL ended a COPY in the middle of a line');
}
