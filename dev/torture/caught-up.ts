/** How far landing has come, told by the youngest orders alone: odd rows and messages of others make no difference. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DuckDBInstance } from '@duckdb/node-api';
import { ORDERS_TABLE, type FreshPipeline } from '../stack/fresh-pipeline';

/** So many stand in all partitions, and windows follow each other: nothing before them is still to come. */
const YOUNGEST = `
  SELECT order_id::text AS id, (extract(epoch FROM created_at) * 1000)::float AS at FROM ${ORDERS_TABLE}
   WHERE item NOT LIKE 'odd%' ORDER BY created_at DESC, order_id DESC LIMIT 300`;

/** Waits until the orders that the table holds now have landed; returns the seconds that took. Rejects when the signal is aborted. */
export async function secondsToLand(
  { pool, lakePath }: FreshPipeline,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<number> {
  const begun = performance.now();
  const { rows } = await pool.query<{ id: string; at: number }>(YOUNGEST);
  const since = Math.min(...rows.map(({ at }) => at));
  for (;;) {
    const missing = await notIn(lakePath, since, new Set(rows.map(({ id }) => id)));
    if (missing.size === 0) return Math.round((performance.now() - begun) / 100) / 10;
    if (performance.now() - begun > timeoutMs)
      throw new Error(`${missing.size} of the last ${rows.length} orders did not land in ${timeoutMs} ms`);
    await sleep(200, undefined, { signal });
  }
}

/** A file is no older than its rows. */
async function notIn(lakePath: string, since: number, ids: Set<string>): Promise<Set<string>> {
  const files = [lakePath, `${lakePath}_quarantine`].flatMap((root) => filesSince(root, since));
  if (files.length === 0) return ids;
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const duckdb = await instance.connect();
  try {
    const list = files.map((file) => `'${file}'`).join(', ');
    const found = await duckdb.runAndReadAll(
      `SELECT order_id::VARCHAR FROM read_parquet([${list}], hive_partitioning = false)`,
    );
    const there = new Set(found.getRows().map(([id]) => String(id)));
    return new Set([...ids].filter((id) => !there.has(id)));
  } catch {
    return ids; // a replay has just replaced one of them, or a fault has damaged it
  } finally {
    duckdb.closeSync();
    instance.closeSync();
  }
}

function filesSince(root: string, since: number): string[] {
  if (!existsSync(root)) return [];
  return readdirSync(root)
    .filter((name) => name.startsWith('date='))
    .flatMap((day) => readdirSync(join(root, day)).map((name) => join(root, day, name)))
    .filter((path) => /\/[^._][^/]*\.parquet$/.test(path) && modified(path) >= since - 1_000);
}

function modified(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
