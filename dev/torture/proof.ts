/**
 * What must hold of topic, ledger and files, whatever died: judged from outside, by reading everything again.
 * Each function returns what is wrong, in words; nothing is the verdict "clean".
 */
import { createOrdersTopic, topicOptions } from '../../adapters/kafka';
import type { Offsets } from '../../domain/ranges';
import { ORDERS_TABLE, type FreshPipeline } from '../stack/fresh-pipeline';
import { proveFiles } from './proof-files';
import { effective, proveLedger, readLedger } from './proof-ledger';
import { COMMAND_TELEMETRY } from '../../cli/telemetry';

/** Examples are enough to begin to search with. */
const EXAMPLES = 10;

/**
 * Topic, ledger, files and temporary files. The comparison of values with the source is another function's.
 * After a reset orders may be in the topic twice (`repeats`), though never in the lake.
 */
export async function proveStructure(
  pipeline: FreshPipeline,
  options: { repeats?: boolean } = {},
): Promise<string[]> {
  const { stable, ids } = await readTopic(pipeline);
  const entries = readLedger(pipeline.lakePath);
  return [
    ...(options.repeats === true ? [] : await proveTopic(pipeline, ids)),
    ...proveLedger(entries, stable, options),
    ...(await proveFiles(pipeline.lakePath, effective(entries))),
  ];
}

/** Where a read_committed reader's view of the topic ends, and the order_id of every message up to there. */
async function readTopic({ settings }: FreshPipeline): Promise<{ stable: Offsets; ids: string[] }> {
  const topic = createOrdersTopic(topicOptions(settings.kafka, COMMAND_TELEMETRY));
  try {
    const { earliest, stable } = await topic.offsets();
    const ranges = Object.keys(stable)
      .map((p) => ({ partition: Number(p), from: earliest[p] ?? '0', to: stable[p] ?? '0' }))
      .filter(({ from, to }) => from !== to);
    const ids: string[] = [];
    for await (const messages of topic.read(ranges, { signal: new AbortController().signal })) {
      for (const { key } of messages) ids.push(String(key));
    }
    return { stable, ids };
  } finally {
    await topic.close();
  }
}

async function proveTopic({ pool }: FreshPipeline, ids: string[]): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(`SELECT order_id::text AS id FROM ${ORDERS_TABLE}`);
  const source = new Set(rows.map(({ id }) => id));
  const seen = new Set<string>();
  const doubled = ids.filter((id) => seen.size === seen.add(id).size);
  return [
    ...complaint('topic: more than once', doubled),
    ...complaint(
      'topic: missing',
      [...source].filter((id) => !seen.has(id)),
    ),
    ...complaint(
      'topic: not in the source',
      [...seen].filter((id) => !source.has(id)),
    ),
  ];
}

function complaint(what: string, orders: string[]): string[] {
  return orders.length === 0
    ? []
    : [`${what}: ${orders.length} orders, e.g. ${orders.slice(0, EXAMPLES).join(', ')}`];
}
