/** A table of five orders, and a lake that holds them, written by DuckDB with nothing of the product. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { ORDERS_TABLE, type FreshPipeline } from '../helpers/pipeline';

export const DAY = '2025-11-18';
export const AMOUNTS = ['350.00', '0.50', '100.00', '19.99'];

export const row = (index: number, amount: string) => `
  SELECT ${index + 1}::BIGINT AS order_id, 'Zoë' AS customer_name, '' AS restaurant_name, 'a' || chr(10) || '"b"' AS item,
    ${amount}::DECIMAL(10, 2) AS amount, 'PLACED' AS order_status, make_timestamptz(epoch_us('${DAY} 10:00:00.00000${index}'::TIMESTAMP)) AS created_at`;
export const good = () => AMOUNTS.map((amount, index) => row(index, amount)).join(' UNION ALL ');

/** For each column a value that differs as little as may be, as SQL. */
export const OTHER_VALUES: [column: string, value: string][] = [
  ['customer_name', `'Zoe'`],
  ['restaurant_name', 'NULL'],
  ['item', `'a'`],
  ['amount', '350.01::DECIMAL(10, 2)'],
  ['order_status', `'placed'`],
  ['created_at', `created_at + INTERVAL 1 MICROSECOND`],
];

/** Four orders and a bad one in the table, and the same in lake and quarantine; nothing else. */
export async function fillBoth(pipeline: FreshPipeline): Promise<void> {
  await pipeline.pool.query(`TRUNCATE ${ORDERS_TABLE}`);
  for (const [index, amount] of [...AMOUNTS, '-1.00'].entries())
    await pipeline.pool.query(
      `INSERT INTO ${ORDERS_TABLE} VALUES ($1, 'Zoë', '', E'a\\n"b"', $2, 'PLACED', $3)`,
      [index + 1, amount, `${DAY} 10:00:00.00000${index}`],
    );
  for (const root of [pipeline.lakePath, `${pipeline.lakePath}_quarantine`]) {
    rmSync(root, { recursive: true, force: true });
    mkdirSync(join(root, `date=${DAY}`), { recursive: true });
  }
  await writeFile(pipeline, good(), 'part-1.parquet');
  await writeFile(pipeline, row(4, '-1.00'), 'part-1.parquet', '_quarantine');
}

export async function writeFile(
  { lakePath }: FreshPipeline,
  select: string,
  name: string,
  root = '',
): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:');
  const duckdb = await instance.connect();
  await duckdb.run(
    `COPY (${select}) TO '${join(`${lakePath}${root}`, `date=${DAY}`, name)}' (FORMAT parquet)`,
  );
  duckdb.closeSync();
  instance.closeSync();
}
