/** Orders that readers count twice. No hash shows it: each file may be just what its entry says. */
import type { DuckDBConnection } from '@duckdb/node-api';
import type { Storage } from '../../ports';
import { BATCH_SQL, quoteName, readParquet } from '../../adapters/lake/reading';
import { count } from '../../domain/describe-status';
import { replayCommand } from '../../domain/damaged';
import { ORDERS } from '../../domain/table/orders';
import type { Findings } from './findings';
import type { Listed } from './file-check';

const [KEY, POSITION] = [quoteName(ORDERS.key.name), quoteName(ORDERS.position.name)];

/** Those whose id is there more than once; few, so the files are only read once more where there are any. */
const SUSPECTS = (files: string) => `
  CREATE OR REPLACE TEMP TABLE suspects AS
  SELECT ${KEY} FROM ${files} WHERE ${KEY} IS NOT NULL GROUP BY ${KEY} HAVING count(*) > 1`;

/** By the batches that hold them: how many, and one of them. An order is its id and its time here. */
const DOUBLED = (files: string) => `
  SELECT batches, count(*)::INTEGER, min(${KEY})::VARCHAR FROM (
    SELECT ${KEY}, ${POSITION}, list_sort(list(DISTINCT ${BATCH})) AS batches
    FROM ${files} JOIN suspects USING (${KEY})
    WHERE ${POSITION} IS NOT NULL GROUP BY ${KEY}, ${POSITION} HAVING count(*) > 1)
  GROUP BY batches ORDER BY batches`;

const MOVED = (files: string) => `
  SELECT batches, count(*)::INTEGER, min(${KEY})::VARCHAR FROM (
    SELECT ${KEY}, list_sort(list(DISTINCT ${BATCH})) AS batches
    FROM ${files} JOIN suspects USING (${KEY})
    GROUP BY ${KEY} HAVING count(DISTINCT ${POSITION}) > 1)
  GROUP BY batches ORDER BY batches`;

const BATCH = `${BATCH_SQL}::INTEGER`;

/** As many groups of one date are told one by one. */
const TOLD = 20;

/**
 * Looks for orders that are in the files of one date more than once. Memory: DuckDB's limit, and the disk beyond it.
 *
 * @param files those that are there and are what the ledger says
 */
export async function checkDoubled(
  duckdb: DuckDBConnection,
  storage: Storage,
  { files, where, moves }: { files: readonly Listed[]; where: string; moves: boolean },
  findings: Findings,
): Promise<void> {
  if (files.length === 0) return;
  const source = readParquet(
    files.map(({ path }) => storage.locate(path)),
    ', filename = true',
  );
  await duckdb.run(SUSPECTS(source));
  const suspects = await duckdb.runAndReadAll('SELECT 1 FROM suspects LIMIT 1');
  if (suspects.currentRowCount === 0) return;
  for (const { batches, orders, example } of await groups(duckdb, DOUBLED(source))) {
    // Each replay drops what stands in another file as well, one after the other, so one copy stays.
    const again = batches.length === 1 ? batches : batches.slice(1);
    findings.problem(
      'order-twice',
      where,
      `${count(orders, 'order is', 'orders are')} there more than once, such as ${ORDERS.key.name} ${example}, in files of ` +
        `${batches.length === 1 ? 'batch' : 'the batches'} ${batches.join(', ')}. A replay drops what another file holds: ` +
        replayCommand(again),
    );
  }
  for (const { batches, orders, example } of moves ? await groups(duckdb, MOVED(source)) : []) {
    findings.note(
      'order-moved',
      where,
      `${count(orders, `${ORDERS.key.name} has`, `${ORDERS.key.name}s have`)} several rows with other times, such as ${example}, in files of ` +
        `the batches ${batches.join(', ')}: its ${ORDERS.position.name} was changed, or the id was used again`,
    );
  }
}

async function groups(
  duckdb: DuckDBConnection,
  sql: string,
): Promise<{ batches: number[]; orders: number; example: string }[]> {
  const rows = (await duckdb.runAndReadAll(sql)).getRowsJson().slice(0, TOLD);
  return rows.map(([batches, orders, example]) => ({
    batches: batches as number[],
    orders: Number(orders),
    example: example as string,
  }));
}
