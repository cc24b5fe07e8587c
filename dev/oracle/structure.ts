/**
 * What must hold of topic, ledger and files, whatever died: checked from outside, by reading everything again.
 * Each function returns what is wrong, in words; nothing means "clean".
 */
import { checkFiles } from './files';
import { checkLedger, readLedger } from './ledger';
import { TABLE, type Sides } from './sides';
import { readTopic, type TopicAddress } from './topic';

/** What is looked at; a pipeline of `dev/stack` has all of it. */
export interface Structured extends Pick<Sides, 'pool' | 'lakePath'> {
  settings: { kafka: TopicAddress };
}

/** Examples are enough to begin to search with. */
const EXAMPLES = 10;

/**
 * Topic, ledger, files and temporary files. The comparison of values with the table is compare.ts's.
 * After a reset orders may be in the topic twice (`repeats`), though never in the lake.
 */
export async function checkStructure(
  { pool, lakePath, settings }: Structured,
  options: { repeats?: boolean } = {},
): Promise<string[]> {
  const { repeats = false } = options;
  const { end, keys } = await readTopic(settings.kafka, { withKeys: !repeats });
  const entries = readLedger(lakePath);
  return [
    ...(repeats ? [] : await checkTopic(pool, keys)),
    ...checkLedger(entries, end, options),
    ...(await checkFiles(lakePath, entries)),
  ];
}

async function checkTopic(pool: Sides['pool'], ids: string[]): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(`SELECT order_id::text AS id FROM ${TABLE}`);
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
