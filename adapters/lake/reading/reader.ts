/** What a lake holds, as an independent reader sees it: DuckDB, never the library that wrote the files. */
import type { DuckDBConnection, DuckDBValue } from '@duckdb/node-api';
import { ORDERS } from '../../../domain/table/orders';
import type { FailureCode } from '../../../domain/table/table';
import type { LakePart, LakeStorage, Storage } from '../../../ports';
import { DATE_SQL, quoteName, readParquet, timestampText, withDuckDB } from './duckdb';
import { allListed } from '../files';
import { LakeLog } from '../ledger';
import { readListed } from './listed';

const [KEY, POSITION, TOTAL] = [ORDERS.key, ORDERS.position, ORDERS.total].map(({ name }) =>
  quoteName(name),
) as [string, string, string];

/** One `date=` directory of the lake. */
interface DateSummary {
  /** `2025-11-18`, UTC. */
  date: string;
  rows: number;
  files: number;
  /** The sum of the table's total as text: it may exceed what a double holds. */
  amount: string;
  /** 27 characters, UTC: `2025-11-18T10:00:00.123456Z`. */
  firstCreatedAt: string;
  lastCreatedAt: string;
}

/** A lake and its quarantine at a glance. */
export interface LakeSummary {
  dates: DateSummary[];
  rows: number;
  files: number;
  /** Equal to `rows` in a lake without duplicates. */
  distinctOrderIds: number;
  quarantined: { rows: number; files: number; failures: Partial<Record<FailureCode, number>> };
}

/**
 * Counts all part files under `date=` directories, committed or not, and in a bucket those that the log lists; an absent or empty
 * lake has zeros.
 */
export async function summary(storage: LakeStorage): Promise<LakeSummary> {
  const quarantined = await withFiles(storage, 'quarantine', summarizeQuarantine);
  return withFiles(storage, 'lake', async (duckdb, files) => {
    const dates = await summarizeDates(duckdb, files);
    const totals = await query(duckdb, files, `SELECT count(DISTINCT ${KEY})::DOUBLE FROM files`);
    return {
      dates,
      rows: dates.reduce((sum, { rows }) => sum + rows, 0),
      files: files.length,
      distinctOrderIds: Number(totals[0]?.[0] ?? 0),
      quarantined,
    };
  });
}

/**
 * Rows of `sql` over the lake's files, there a table named `files` with the extra column `filename`; none for an
 * empty lake. For tests and checks: `queryLake(storage, 'SELECT count(*) FROM files')`.
 */
export async function queryLake(
  storage: LakeStorage,
  sql: string,
  options: { quarantine?: boolean } = {},
): Promise<DuckDBValue[][]> {
  const part = options.quarantine === true ? 'quarantine' : 'lake';
  return withFiles(storage, part, (duckdb, files) => query(duckdb, files, sql));
}

/** The earliest position of a file, as 27 characters; `undefined` where it has none. Throws where it cannot be read. */
export async function firstCreatedAt(storage: Storage, name: string): Promise<string | undefined> {
  const rows = await storage.withPaths([name], (paths) =>
    withDuckDB((duckdb) => query(duckdb, paths, `SELECT ${timestampText(`min(${POSITION})`)} FROM files`)),
  );
  const first = rows[0]?.[0] ?? null;
  return first === null ? undefined : String(first);
}

async function withFiles<T>(
  storage: LakeStorage,
  part: LakePart,
  use: (duckdb: DuckDBConnection, paths: string[]) => Promise<T>,
): Promise<T> {
  const root = storage[part];
  const list = async () =>
    root.renames
      ? allListed(root)
      : [...(await new LakeLog(storage.lake).whole())[part].values()].flatMap((files) =>
          [...files.values()].map(({ path }) => path),
        );
  return readListed(list, (names) =>
    root.withPaths(names, (paths) => withDuckDB((duckdb) => use(duckdb, paths))),
  );
}

async function query(
  duckdb: DuckDBConnection,
  files: readonly string[],
  sql: string,
): Promise<DuckDBValue[][]> {
  if (files.length === 0) return [];
  const source = readParquet(files, ', filename = true');
  return (await duckdb.runAndReadAll(`WITH files AS (SELECT * FROM ${source}) ${sql}`)).getRows();
}

async function summarizeDates(duckdb: DuckDBConnection, files: readonly string[]): Promise<DateSummary[]> {
  const rows = await query(
    duckdb,
    files,
    `SELECT ${DATE_SQL} AS date,
            count(*)::DOUBLE, count(DISTINCT filename)::DOUBLE, sum(${TOTAL})::VARCHAR,
            ${timestampText(`min(${POSITION})`)}, ${timestampText(`max(${POSITION})`)}
     FROM files GROUP BY 1 ORDER BY 1`,
  );
  return rows.map(([date, count, fileCount, amount, first, last]) => ({
    date: String(date),
    rows: Number(count),
    files: Number(fileCount),
    amount: String(amount),
    firstCreatedAt: String(first),
    lastCreatedAt: String(last),
  }));
}

async function summarizeQuarantine(
  duckdb: DuckDBConnection,
  files: readonly string[],
): Promise<LakeSummary['quarantined']> {
  const counts = await query(
    duckdb,
    files,
    `SELECT rule, count(*)::DOUBLE
     FROM (SELECT unnest(string_split(failed_rules, ',')) AS rule FROM files) GROUP BY 1`,
  );
  const found = new Map(counts.map(([rule, count]) => [String(rule), Number(count)]));
  const failures: Partial<Record<FailureCode, number>> = {};
  // In the rules' own order, whatever order the groups come in.
  for (const code of Object.keys(ORDERS.failures)) {
    const count = found.get(code);
    if (count !== undefined) failures[code] = count;
  }
  const rows = await query(duckdb, files, 'SELECT count(*)::DOUBLE FROM files');
  return { rows: Number(rows[0]?.[0] ?? 0), files: files.length, failures };
}
