/**
 * The proof at the end: every order of the table is in the lake or in quarantine, once, with the same seven values.
 * DuckDB compares; neither the library that wrote the files nor the statements that captured the rows take part.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Pool } from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { quote, readParquet, withDuckDB, foldersOf, allParts } from '../../adapters/lake/reading';
import { quoteTable } from '../../adapters/postgres/sql';
import type { Settings } from '../../configs/schema';
import { COLUMNS } from '../../domain/order';

interface Side {
  rows: number;
  /** Sum of amount as decimal text. */
  amount: string;
}

export interface Comparison {
  source: Side;
  lake: Side;
  /** Rows of quarantine that have an order_id. */
  quarantine: Side;
  /** Orders without an order_id, which can only be counted: in the table, and in quarantine by rule. */
  withoutId: { source: number; quarantine: { rules: string; rows: number }[] };
  /** Orders of the table without a created_at: they have no place in time and are never captured. */
  withoutTime: number;
  differences: { kind: Difference; orders: number; examples: string[] }[];
  equal: boolean;
}

export const DIFFERENCES = {
  missing: 'in PostgreSQL, but neither in the lake nor in quarantine',
  extra: 'in the lake or in quarantine, but not in PostgreSQL',
  doubled: 'more than once in lake and quarantine together',
  changed: 'with other values than in PostgreSQL',
} as const;
export type Difference = keyof typeof DIFFERENCES;

/** The newest created_at, as the column's own text and in microseconds. */
export interface Bound {
  text: string;
  micros: string;
}

const EXAMPLES = 10;

/** The present end of the table. Orders that others insert later are not part of the comparison. */
export async function boundOf(pool: Pool, { table, timezone }: Settings['postgres']): Promise<Bound> {
  const { rows } = await pool.query<{ text: string | null; micros: string | null }>(
    `SELECT max(created_at)::text AS text, ${microsSql('max(created_at)', timezone)} AS micros
       FROM ${quoteTable(table)} WHERE created_at <= CURRENT_TIMESTAMP`,
  );
  return { text: rows[0]?.text ?? '-infinity', micros: rows[0]?.micros ?? '0' };
}

export async function compare(pool: Pool, settings: Settings, bound: Bound): Promise<Comparison> {
  const folder = await mkdtemp(join(tmpdir(), 'orders-demo-'));
  try {
    const file = join(folder, 'source.csv');
    await copySource(pool, settings.postgres, bound, file);
    const { rows } = await pool.query<{ rows: number }>(
      `SELECT count(*)::float AS rows FROM ${quoteTable(settings.postgres.table)} WHERE created_at IS NULL`,
    );
    return await withDuckDB(async (duckdb) => {
      await duckdb.run(`CREATE TEMP TABLE source AS SELECT * FROM ${readCsv(file)}`);
      await loadLake(duckdb, settings.datalake.path, bound);
      return summarize(duckdb, rows[0]?.rows ?? 0);
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Whatever type the column has: a `timestamp` is read in the pipeline's zone. */
function microsSql(expression: string, timezone: string): string {
  const zone = timezone.replaceAll("'", "''");
  return `(extract(epoch FROM CASE WHEN pg_typeof(${expression}) = 'timestamptz'::regtype THEN ${expression}::timestamptz
            ELSE ${expression}::timestamp AT TIME ZONE '${zone}' END) * 1000000)::bigint::text`;
}

/** COPY to a file: a table of millions fits, and empty text stays different from NULL. */
async function copySource(
  pool: Pool,
  { table, timezone }: Settings['postgres'],
  bound: Bound,
  file: string,
): Promise<void> {
  const columns = COLUMNS.slice(0, -1).join(', ');
  const sql = `
    COPY (SELECT ${columns}, ${microsSql('created_at', timezone)}
            FROM ${quoteTable(table)} WHERE created_at <= '${bound.text}')
      TO STDOUT (FORMAT csv, NULL '\\N')`;
  const client = await pool.connect();
  try {
    await pipeline(client.query(copyTo(sql)), createWriteStream(file, { mode: 0o600 }));
  } finally {
    client.release();
  }
}

function readCsv(file: string): string {
  return `read_csv(${quote(file)}, header = false, auto_detect = false, parallel = false, delim = ',', quote = '"',
    escape = '"', nullstr = '\\N', allow_quoted_nulls = false, columns = {order_id: 'BIGINT', customer_name: 'VARCHAR',
    restaurant_name: 'VARCHAR', item: 'VARCHAR', amount: 'DECIMAL(10,2)', order_status: 'VARCHAR', created_at: 'BIGINT'})`;
}

/** Tables `arrived`, what has an order_id, and `unknown`, what has none or no time. */
async function loadLake(duckdb: DuckDBConnection, lakePath: string, { micros }: Bound): Promise<void> {
  const { lake, quarantine } = foldersOf(lakePath);
  const columns = COLUMNS.map((name) => (name === 'created_at' ? `epoch_us(created_at) AS ${name}` : name));
  const select = (place: string, root: string, files: string[], rules: string) =>
    files.length === 0
      ? `SELECT *, '' AS place, '' AS rules FROM source WHERE false`
      : `SELECT ${columns.join(', ')}, '${place}' AS place, ${rules} AS rules
           FROM ${readParquet(files.map((path) => join(root, path)))}`;
  const landed = (await allParts(lake)).map(({ path }) => path);
  const failed = (await allParts(quarantine)).map(({ path }) => path);
  await duckdb.run(
    `CREATE TEMP TABLE everything AS ${select('lake', lake, landed, "''")}
     UNION ALL ${select('quarantine', quarantine, failed, 'failed_rules')}`,
  );
  await duckdb.run(
    `CREATE TEMP TABLE arrived AS SELECT * FROM everything WHERE order_id IS NOT NULL AND created_at <= ${micros}`,
  );
  await duckdb.run(
    `CREATE TEMP TABLE unknown AS SELECT * FROM everything WHERE order_id IS NULL OR created_at IS NULL`,
  );
}

const DIFFERENCES_SQL = `
  SELECT 'missing' AS kind, order_id FROM source ANTI JOIN arrived USING (order_id) WHERE order_id IS NOT NULL
  UNION ALL SELECT 'extra', order_id FROM (SELECT DISTINCT order_id FROM arrived) ANTI JOIN source USING (order_id)
  UNION ALL SELECT 'doubled', order_id FROM arrived GROUP BY order_id HAVING count(*) > 1
  UNION ALL SELECT DISTINCT 'changed', s.order_id FROM source s JOIN arrived a USING (order_id)
   WHERE ${COLUMNS.map((name) => `s.${name} IS DISTINCT FROM a.${name}`).join(' OR ')}`;

async function summarize(duckdb: DuckDBConnection, withoutTime: number): Promise<Comparison> {
  const read = async (sql: string) => (await duckdb.runAndReadAll(sql)).getRows();
  const side = async (from: string): Promise<Side> => {
    const [row] = await read(`SELECT count(*)::DOUBLE, coalesce(sum(amount), 0.00)::VARCHAR FROM ${from}`);
    return { rows: Number(row?.[0]), amount: String(row?.[1]) };
  };
  const differences = await read(
    `SELECT kind, count(*)::DOUBLE, list(order_id ORDER BY order_id)[1:${EXAMPLES}]::VARCHAR
       FROM (${DIFFERENCES_SQL}) GROUP BY kind ORDER BY kind DESC`,
  );
  const unknown = await read(`SELECT rules, count(*)::DOUBLE FROM unknown GROUP BY rules ORDER BY rules`);
  const nameless = (await side('source WHERE order_id IS NULL')).rows;
  const namelessFound = (await side("unknown WHERE rules LIKE '%order_id_null%'")).rows;
  return {
    source: await side('source WHERE order_id IS NOT NULL'),
    lake: await side("arrived WHERE place = 'lake'"),
    quarantine: await side("arrived WHERE place = 'quarantine'"),
    withoutId: {
      source: nameless,
      quarantine: unknown.map(([rules, rows]) => ({ rules: String(rules), rows: Number(rows) })),
    },
    withoutTime,
    differences: differences.map(([kind, orders, examples]) => ({
      kind: kind as Difference,
      orders: Number(orders),
      examples: String(examples).slice(1, -1).split(', '),
    })),
    equal: differences.length === 0 && namelessFound >= nameless,
  };
}
