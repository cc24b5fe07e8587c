import type { Pool } from 'pg';
import { CUSTOMERS, ITEMS, RESTAURANTS, STATUSES } from '../orders/sample-order';
import { ORDERS_TABLE } from '../stack/fresh-pipeline';

/**
 * Fills the orders table with `rows` orders over three days up to the present, one in a hundred breaking a rule.
 * Made in the server by arithmetic on the row number, so that every run measures the same data.
 */
export async function seed(pool: Pool, rows: number): Promise<void> {
  await pool.query(
    `INSERT INTO ${ORDERS_TABLE} (customer_name, restaurant_name, item, amount, order_status, created_at)
     SELECT CASE WHEN i % 600 = 0 THEN '' ELSE ${pick(CUSTOMERS, 'i * 7')} END,
            CASE WHEN i % 600 = 100 THEN NULL ELSE ${pick(RESTAURANTS, 'i * 5')} END,
            CASE WHEN i % 600 = 200 THEN '  ' ELSE ${pick(ITEMS, 'i * 11')} END,
            CASE WHEN i % 600 = 300 THEN 0 WHEN i % 600 = 400 THEN -5.50 ELSE (50 + i * 7919 % 145000 / 100.0)::numeric(10,2) END,
            CASE WHEN i % 600 = 500 THEN '' ELSE ${pick(STATUSES, 'i * 3')} END,
            (now() AT TIME ZONE 'UTC') - interval '1 minute' - ($1 - i) * (interval '3 days' / $1)
       FROM generate_series(1::bigint, $1::bigint) AS i`,
    [rows],
  );
  await pool.query(`VACUUM ANALYZE ${ORDERS_TABLE}`);
}

/** One of the texts, by an expression over the row number. */
function pick(texts: readonly string[], seed: string): string {
  const quoted = texts.map((text) => `'${text.replaceAll("'", "''")}'`);
  return `(ARRAY[${quoted.join(',')}])[1 + (${seed}) % ${texts.length}]`;
}
