/** Orders that readers count twice. No hash shows it: each file may be just what its entry says. */
import type { DuckDBConnection } from '@duckdb/node-api';
import type { LiveFile, Storage } from '../../ports';
import { onlyBatch, quoteName, readParquet } from '../../adapters/lake/reading';
import { count } from '../../domain/describe-status';
import { replayCommand } from '../../domain/damaged';
import { ORDERS } from '../../domain/table/orders';
import type { Findings } from './findings';

const [KEY, POSITION] = [quoteName(ORDERS.key.name), quoteName(ORDERS.position.name)];

/** Those whose id is there more than once; few, so the files are only read once more where there are any. */
const SUSPECTS = (files: string) => `
  CREATE OR REPLACE TEMP TABLE suspects AS
  SELECT ${KEY} FROM ${files} WHERE ${KEY} IS NOT NULL GROUP BY ${KEY} HAVING count(*) > 1`;

/** By the files that hold them: how many, and one of them. An order is its id and its time here. */
const DOUBLED = (files: string) => `
  SELECT files, count(*)::INTEGER, min(${KEY})::VARCHAR FROM (
    SELECT ${KEY}, ${POSITION}, list_sort(list(DISTINCT filename)) AS files
    FROM ${files} JOIN suspects USING (${KEY})
    WHERE ${POSITION} IS NOT NULL GROUP BY ${KEY}, ${POSITION} HAVING count(*) > 1)
  GROUP BY files ORDER BY files`;

const MOVED = (files: string) => `
  SELECT files, count(*)::INTEGER, min(${KEY})::VARCHAR FROM (
    SELECT ${KEY}, list_sort(list(DISTINCT filename)) AS files
    FROM ${files} JOIN suspects USING (${KEY})
    GROUP BY ${KEY} HAVING count(DISTINCT ${POSITION}) > 1)
  GROUP BY files ORDER BY files`;

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
  { files, where, moves }: { files: readonly LiveFile[]; where: string; moves: boolean },
  findings: Findings,
): Promise<void> {
  if (files.length === 0) return;
  const names = files.map(({ path }) => path);
  await storage.withPaths(names, (paths) => checkPaths(duckdb, { files, where, moves }, paths, findings));
}

async function checkPaths(
  duckdb: DuckDBConnection,
  { files, where, moves }: { files: readonly LiveFile[]; where: string; moves: boolean },
  paths: readonly string[],
  findings: Findings,
): Promise<void> {
  const source = readParquet(paths, ', filename = true');
  await duckdb.run(SUSPECTS(source));
  const suspects = await duckdb.runAndReadAll('SELECT 1 FROM suspects LIMIT 1');
  if (suspects.currentRowCount === 0) return;
  const byPath = new Map(files.map((file, at) => [paths[at], file]));
  const filesOf = (paths: readonly string[]) => paths.flatMap((path) => byPath.get(path) ?? []);
  for (const { paths, orders, example } of await groups(duckdb, DOUBLED(source))) {
    const found = filesOf(paths);
    const own = found.flatMap((file) => onlyBatch(file) ?? []);
    // Each replay drops what stands in another file as well, one after the other, so one copy stays.
    const again = own.length > 0 && own.length < found.length ? own : own.slice(Number(own.length > 1));
    findings.problem(
      'order-twice',
      where,
      `${count(orders, 'order is', 'orders are')} there more than once, such as ${ORDERS.key.name} ${example}, in files of ` +
        `${batchesOf(found)}. A replay drops what another file holds: ` +
        replayCommand(again.length > 0 ? again : found.flatMap(({ batches }) => batches)),
    );
  }
  for (const { paths, orders, example } of moves ? await groups(duckdb, MOVED(source)) : []) {
    findings.note(
      'order-moved',
      where,
      `${count(orders, `${ORDERS.key.name} has`, `${ORDERS.key.name}s have`)} several rows with other times, such as ${example}, in files of ` +
        `${batchesOf(filesOf(paths))}: its ${ORDERS.position.name} was changed, or the id was used again`,
    );
  }
}

function batchesOf(files: readonly LiveFile[]): string {
  const ranges = files.flatMap(({ batches }) => batches).sort(([a], [b]) => a - b);
  const text = ranges.map(([from, to]) => (from === to ? from : `${from}-${to}`)).join(', ');
  return files.length === 1 && ranges.length === 1 && !text.includes('-')
    ? `batch ${text}`
    : `the batches ${text}`;
}

async function groups(
  duckdb: DuckDBConnection,
  sql: string,
): Promise<{ paths: string[]; orders: number; example: string }[]> {
  const rows = (await duckdb.runAndReadAll(sql)).getRowsJson().slice(0, TOLD);
  return rows.map(([paths, orders, example]) => ({
    paths: paths as string[],
    orders: Number(orders),
    example: example as string,
  }));
}
