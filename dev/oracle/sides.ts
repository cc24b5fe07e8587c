/**
 * What the table holds and what the files hold, as seven texts a row, read with nothing of the product: raw SQL on the one
 * side, DuckDB over `date=*` directories on the other.
 */
import { createWriteStream, existsSync, mkdtempSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline as piped } from 'node:stream/promises';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { Pool, PoolClient } from 'pg';
import { to as copyTo } from 'pg-copy-streams';

/** The table of a pipeline of `dev/stack`, as SQL. */
export const TABLE = '"2025em1100102_orders"';

/** What the oracle needs to know of a pipeline. */
export interface Sides {
  /** As a role that sees every row. */
  pool: Pool;
  /** As SQL, quoted. */
  table: string;
  /** In which a created_at without zone is read. */
  timezone: string;
  lakePath: string;
  /** For files of the oracle's own. */
  directory: string;
}

/** The table's rows at one moment: a file of comma-separated texts. */
export interface Snapshot {
  file: string;
}

const COLUMNS = [
  'order_id',
  'customer_name',
  'restaurant_name',
  'item',
  'amount',
  'order_status',
  'created_at',
] as const;
type Column = (typeof COLUMNS)[number];

/** A column that the table lacks counts as NULL. */
const FIND_COLUMNS = `
  SELECT attname AS name, coalesce(nullif(typbasetype, 0), typ.oid)::regtype::text AS type
    FROM pg_attribute JOIN pg_type typ ON typ.oid = atttypid
   WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped`;

/** Every row of the table now. COPY to a file, so that hundreds of thousands are no burden. */
export async function snapshot({ pool, table, timezone, directory }: Sides): Promise<Snapshot> {
  const file = join(mkdtempSync(join(directory, 'oracle-')), 'source.csv');
  const session = await pool.connect();
  let broken = true;
  try {
    const { rows } = await session.query<{ name: string; type: string }>(FIND_COLUMNS, [table]);
    const types = new Map(rows.map(({ name, type }) => [name, type]));
    const raw = await keepsBytes(session);
    const columns = COLUMNS.map((name) => asText(name, types.get(name), timezone, raw));
    const copy = `COPY (SELECT ${columns.join(', ')} FROM ${table}) TO STDOUT (FORMAT csv, NULL '\\N')`;
    await piped(session.query(copyTo(copy)), createWriteStream(file, { mode: 0o600 }));
    broken = false;
    return { file };
  } finally {
    session.release(broken);
  }
}

/** A database without an encoding may hold bytes that are no text: they are compared as hexadecimal digits. */
async function keepsBytes(session: PoolClient): Promise<boolean> {
  const { rows } = await session.query<{ server_encoding: string }>('SHOW server_encoding');
  return rows[0]?.server_encoding === 'SQL_ASCII';
}

function asText(name: Column, type: string | undefined, timezone: string, raw: boolean): string {
  if (type === undefined) return `NULL::text`;
  if (name === 'amount') return `trim_scale(${name}::numeric)::text`;
  if (name === 'created_at') return microseconds(type, timezone);
  return raw && name !== 'order_id'
    ? `encode(convert_to(${name}::text, 'SQL_ASCII'), 'hex')`
    : `${name}::text`;
}

function microseconds(type: string, timezone: string): string {
  const moment = type.startsWith('timestamp with time zone')
    ? 'created_at'
    : `(created_at::timestamp AT TIME ZONE '${timezone.replaceAll("'", "''")}')`;
  return `CASE WHEN isfinite(${moment}) THEN (extract(epoch FROM ${moment}) * 1000000)::numeric(40, 0)::text
            ELSE ${moment}::text END`;
}

/** All seven texts as one, to be compared at once; NULL is told from an empty text. */
const LINE = COLUMNS.map((column) => `coalesce('=' || ${column}, '-')`).join(' || chr(31) || ');
const NO_ROWS = `SELECT ${COLUMNS.map((column) => `NULL::VARCHAR AS ${column}`).join(', ')}, '' AS day WHERE false`;

/** Makes the table `name` of snapshots: seven texts, and all of them as one, `line`. */
export async function loadSource(duckdb: DuckDBConnection, name: string, from: Snapshot[]): Promise<void> {
  const columns = COLUMNS.map((column) => `${column}: 'VARCHAR'`).join(', ');
  const reads = from.map(
    ({ file }) => `SELECT *, '' AS day FROM read_csv(${literal(file)}, header = false, auto_detect = false,
      parallel = false, delim = ',', quote = '"', escape = '"', nullstr = '\\N', allow_quoted_nulls = false,
      columns = {${columns}})`,
  );
  await createTable(duckdb, name, reads.length === 0 ? NO_ROWS : reads.join(' UNION ALL '));
}

/** Makes the tables `lake` and `quarantine`: the same columns, with the `day` of the directory. */
export async function loadFiles(duckdb: DuckDBConnection, { lakePath, pool }: Sides): Promise<void> {
  const session = await pool.connect();
  const raw = await keepsBytes(session).finally(() => session.release());
  const columns = COLUMNS.map((column) => `${fileText(column, raw)} AS ${column}`).join(', ');
  for (const [name, root] of [
    ['lake', lakePath],
    ['quarantine', `${lakePath}_quarantine`],
  ] as const) {
    const files = filesIn(root);
    const read = `SELECT ${columns}, regexp_extract(filename, '.*/date=([^/]*)/', 1) AS day FROM
      read_parquet([${files.map(literal).join(', ')}], hive_partitioning = false, filename = true, union_by_name = true)`;
    await createTable(duckdb, name, files.length === 0 ? NO_ROWS : read);
  }
}

/** How the files' columns are to be typed, for {@link loadFiles} makes text of each. */
const FILE_TYPES: Record<string, string> = {
  order_id: 'BIGINT',
  customer_name: 'VARCHAR',
  restaurant_name: 'VARCHAR',
  item: 'VARCHAR',
  amount: 'DECIMAL(10,2)',
  order_status: 'VARCHAR',
  created_at: 'TIMESTAMP WITH TIME ZONE',
};

/** The files' columns that are typed in another way, in words. */
export async function typesOtherThan(duckdb: DuckDBConnection, lakePath: string): Promise<string[]> {
  const wrong: string[] = [];
  for (const root of [lakePath, `${lakePath}_quarantine`]) {
    for (const file of filesIn(root)) {
      const described = await duckdb.runAndReadAll(`DESCRIBE SELECT * FROM read_parquet(${literal(file)},
        hive_partitioning = false)`);
      const types = new Map(described.getRows().map(([name, type]) => [String(name), String(type)]));
      for (const [name, type] of Object.entries(FILE_TYPES))
        if (types.get(name) !== type) wrong.push(`${file} has ${name} as ${types.get(name)}, not ${type}`);
    }
  }
  return wrong;
}

async function createTable(duckdb: DuckDBConnection, name: string, select: string): Promise<void> {
  await duckdb.run(`CREATE TEMP TABLE ${name} AS SELECT *, ${LINE} AS line FROM (${select})`);
}

function fileText(column: Column, raw: boolean): string {
  if (column === 'amount') return `rtrim(rtrim(amount::VARCHAR, '0'), '.')`;
  if (column === 'created_at') return 'epoch_us(created_at)::VARCHAR';
  return raw && column !== 'order_id' ? `lower(hex(encode(${column})))` : `${column}::VARCHAR`;
}

/** What a plain reader finds: names that begin with a dot or an underscore are none of its business. */
export function filesIn(root: string): string[] {
  if (!existsSync(root)) return [];
  return readdirSync(root)
    .filter((name) => name.startsWith('date='))
    .flatMap((day) =>
      readdirSync(join(root, day))
        .filter((name) => /^[^._].*\.parquet$/.test(name))
        .map((name) => join(root, day, name)),
    );
}

export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
