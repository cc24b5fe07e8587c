/** The first orders that differ, with what helps to find the cause: columns, files, messages. No values. */
import { ORDERS } from '../../domain/table/orders';
import { formatTimestamp } from '../../domain/watermark';
import type { Bounds } from './bounds';
import type { Difference, Sources } from './narrow';
import type { TextRow } from '../../ports';
import type { Example } from '../../domain/verification';

export async function explainExamples(
  { source, lake, topic }: Sources,
  { failedBatches, topicSince }: Pick<Bounds, 'failedBatches' | 'topicSince'>,
  found: readonly Difference[],
): Promise<Example[]> {
  const ids = [...new Set(found.flatMap(({ orderId }) => orderId ?? []))];
  const sourceRows = ids.length === 0 ? [] : await source.rowsById(ids);
  const examples: Example[] = [];
  for (const difference of found) {
    const { place, kind, orderId, micros } = difference;
    const createdAt = formatTimestamp(micros);
    const example: Example = { place, kind, orderId, createdAt };
    examples.push(example);
    if (orderId === null) continue;
    const there = sourceRows.find((row) => row[ORDERS.key.name] === orderId);
    if (kind === 'extra') {
      if (there !== undefined) example.columns = [ORDERS.position.name];
    }
    if (place === 'lake') {
      const landed = (await lake.rowsById([orderId], createdAt.slice(0, 10))).sort((a, b) =>
        a.file < b.file ? -1 : 1,
      );
      if (landed.length > 0) example.where = landed.map(({ file }) => file).join(', ');
      else if (kind === 'missing') example.where = await placeOf(orderId);
      if (kind === 'changed')
        example.columns =
          landed.length === 0
            ? [ORDERS.position.name]
            : differing(
                there,
                landed.map(({ row }) => row),
              );
    } else if (place === 'topic') {
      const message = await topic.messageOf(orderId);
      if (message !== undefined) example.where = `partition ${message.partition}, offset ${message.offset}`;
      if (kind === 'changed' && message?.row !== undefined) example.columns = differing(there, [message.row]);
    }
  }
  return examples;

  /** Where the message of an order that did not land is, and which batch had it. */
  async function placeOf(orderId: string): Promise<string> {
    const message = await topic.messageOf(orderId);
    if (message === undefined) return 'no message in the part of the topic that was read';
    const { partition, offset } = message;
    const at = `partition ${partition}, offset ${offset}`;
    const batch = await lake.batchOf(message, topicSince);
    if (batch === undefined) return `${at}, not landed yet`;
    return `${at}, ${failedBatches.includes(batch) ? 'in the failed' : 'of'} batch ${batch}`;
  }
}

/** Columns in which any of the rows differs. */
function differing(wanted: TextRow | undefined, rows: readonly TextRow[]): string[] {
  if (wanted === undefined) return [];
  return ORDERS.names.filter((column) => rows.some((row) => row[column] !== wanted[column]));
}
