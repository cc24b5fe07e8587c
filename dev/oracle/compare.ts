/** Table against files: what is missing, doubled, strange or changed. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { withDuckDB } from './duckdb';
import { loadFiles, loadSource, snapshot, typesOtherThan, type Sides, type Snapshot } from './sides';

/** What the caller did on purpose. */
export interface Declared {
  /** The table at earlier moments: what it held then may be in the lake, with the values of then. */
  earlier?: Snapshot[];
  /** Orders that others put into the topic, by order_id: each must be in the lake or the quarantine once. */
  foreign?: string[];
  /** Messages of others that have no order_id: so many more rows in the quarantine. */
  foreignWithoutId?: number;
  /** Of these nobody knows whether they got into the topic. */
  perhaps?: string[];
  perhapsWithoutId?: number;
}

export interface Comparison {
  /** Rows of the table. */
  rows: number;
  /** Rows that are in no file. */
  missing: { rows: number; examples: string };
  /** Everything else that must not be, in words. */
  wrong: string[];
}

/** Examples are enough to begin to search with. */
const EXAMPLES = 10;

export async function compare(sides: Sides, declared: Declared = {}): Promise<Comparison> {
  const now = await snapshot(sides);
  return withDuckDB(async (duckdb) => {
    await loadSource(duckdb, 'source', [now]);
    await loadSource(duckdb, 'earlier', declared.earlier ?? []);
    await loadFiles(duckdb, sides);
    await prepare(duckdb, declared);
    return difference(duckdb);
  });
}

/**
 * Source = lake + quarantine, row by row and value by value, at this moment: the strictest comparison, where nothing was
 * declared, every row can be read and none is under way.
 */
export async function compareRows(sides: Sides): Promise<{ rows: number; wrong: string[] }> {
  const now = await snapshot(sides);
  return withDuckDB(async (duckdb) => {
    await loadSource(duckdb, 'source', [now]);
    await loadFiles(duckdb, sides);
    const wrong = await typesOtherThan(duckdb, sides.lakePath);
    for (const [what, sql] of Object.entries(UNLIKE)) {
      const { rows, examples } = await summed(duckdb, sql);
      if (rows > 0) wrong.push(`${rows} rows are ${what}: ${examples}`);
    }
    return { rows: await countSource(duckdb), wrong };
  });
}

/** Rows as often as they are there; a row that is there twice is missed or too much once. */
const UNLIKE: Record<string, string> = {
  'in the table, and not so in the files': `
    SELECT coalesce(order_id, 'without order_id') AS id, 1 AS rows FROM
      (SELECT order_id, line FROM source EXCEPT ALL (SELECT order_id, line FROM lake UNION ALL SELECT order_id, line FROM quarantine))`,
  'in the files, and not so in the table': `
    SELECT coalesce(order_id, 'without order_id') AS id, 1 AS rows FROM
      ((SELECT order_id, line FROM lake UNION ALL SELECT order_id, line FROM quarantine) EXCEPT ALL SELECT order_id, line FROM source)`,
};

/** `expected`: by id how often it must be there at least and may be at most; `arrived`: how often it is. */
async function prepare(duckdb: DuckDBConnection, declared: Declared): Promise<void> {
  const { foreign = [], foreignWithoutId = 0, perhaps = [], perhapsWithoutId = 0 } = declared;
  const others = [
    ...foreign.map((id) => `('${BigInt(id)}', 1, 1)`),
    ...perhaps.map((id) => `('${BigInt(id)}', 0, 1)`),
    `(NULL, ${foreignWithoutId}, ${foreignWithoutId + perhapsWithoutId})`,
  ];
  await duckdb.run(`
    CREATE TEMP TABLE expected AS
    SELECT order_id, sum(least)::BIGINT AS least, sum(most)::BIGINT AS most FROM (
      SELECT order_id, max(least) AS least, max(most) AS most FROM (
        SELECT order_id, count(*) AS least, count(*) AS most FROM source GROUP BY 1
        UNION ALL SELECT order_id, 0, count(DISTINCT created_at) FROM
          (SELECT order_id, created_at FROM earlier UNION ALL SELECT order_id, created_at FROM source) GROUP BY 1) GROUP BY 1
      UNION ALL SELECT * FROM (VALUES ${others.join(', ')}) o (order_id, least, most))
    GROUP BY 1`);
  await duckdb.run(`
    CREATE TEMP TABLE arrived AS SELECT order_id, count(*) AS times FROM
      (SELECT order_id FROM lake UNION ALL SELECT order_id FROM quarantine) GROUP BY 1`);
  await duckdb.run(`CREATE TEMP TABLE held AS SELECT * FROM source UNION ALL SELECT * FROM earlier`);
}

const BOTH = `expected e FULL JOIN arrived a ON e.order_id IS NOT DISTINCT FROM a.order_id`;
const ID = `coalesce(e.order_id, a.order_id, 'without order_id')`;

/** A foreign order has no values to be compared with. Its id is nobody else's. */
const CHANGED = `
  SELECT order_id AS id, 1 AS rows FROM lake ANTI JOIN held USING (line)
   WHERE order_id IN (SELECT order_id FROM held)`;

/** In the quarantine a column that could not be read is NULL. */
const CHANGED_IN_QUARANTINE = `
  SELECT q.order_id AS id, 1 AS rows FROM quarantine q
   WHERE q.order_id IN (SELECT order_id FROM held) AND NOT EXISTS (
     FROM held s WHERE s.order_id = q.order_id
      AND coalesce(q.customer_name = s.customer_name, q.customer_name IS NULL)
      AND coalesce(q.restaurant_name = s.restaurant_name, q.restaurant_name IS NULL)
      AND coalesce(q.item = s.item, q.item IS NULL)
      AND coalesce(q.amount = s.amount, q.amount IS NULL)
      AND coalesce(q.order_status = s.order_status, q.order_status IS NULL)
      AND coalesce(q.created_at = s.created_at, q.created_at IS NULL))`;

const WRONG: Record<string, string> = {
  'more often in the files than in the table': `
    SELECT ${ID} AS id, a.times - e.most AS rows FROM ${BOTH} WHERE a.times > e.most`,
  'in the files, but not in the table': `SELECT ${ID} AS id, a.times AS rows FROM ${BOTH} WHERE e.least IS NULL`,
  'in the lake with values that the table never had': CHANGED,
  'in the quarantine with values that the table never had': CHANGED_IN_QUARANTINE,
  'in the directory of another day': `
    SELECT order_id AS id, 1 AS rows FROM lake
     WHERE day IS DISTINCT FROM strftime(make_timestamp(created_at::BIGINT), '%Y-%m-%d')`,
};

const MISSING = `
  SELECT ${ID} AS id, e.least - coalesce(a.times, 0) AS rows FROM ${BOTH} WHERE e.least > coalesce(a.times, 0)`;

async function difference(duckdb: DuckDBConnection): Promise<Comparison> {
  const wrong: string[] = [];
  for (const [what, sql] of Object.entries(WRONG)) {
    const { rows, examples } = await summed(duckdb, sql);
    if (rows > 0) wrong.push(`${rows} rows are ${what}: ${examples}`);
  }
  return { rows: await countSource(duckdb), missing: await summed(duckdb, MISSING), wrong };
}

async function countSource(duckdb: DuckDBConnection): Promise<number> {
  const [count] = (await duckdb.runAndReadAll('SELECT count(*)::DOUBLE FROM source')).getRows();
  return Number(count?.[0]);
}

async function summed(duckdb: DuckDBConnection, sql: string): Promise<Comparison['missing']> {
  const [row] = (
    await duckdb.runAndReadAll(
      `SELECT coalesce(sum(rows), 0)::DOUBLE, coalesce(list(id ORDER BY id)[1:${EXAMPLES}], [])::VARCHAR FROM (${sql})`,
    )
  ).getRows();
  return { rows: Number(row?.[0]), examples: String(row?.[1]).slice(1, -1) };
}
