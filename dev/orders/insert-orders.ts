import type { Pool } from 'pg';
import { ORDERS_TABLE } from '../stack/fresh-pipeline';

/** Inserts orders in one commit, one in twenty breaking a rule; made by arithmetic on the id, so values differ. */
export function insertOrders(pool: Pick<Pool, 'query'>, rows: number): Promise<unknown> {
  return pool.query(INSERT, [rows]);
}

const INSERT = `
  INSERT INTO ${ORDERS_TABLE} (customer_name, restaurant_name, item, amount, order_status)
  SELECT CASE WHEN i % 20 = 0 THEN '' ELSE 'Zoë ' || i END, 'Café Ünïque', 'Fish & "Chips"', (1 + i % 9000) / 100.0, 'PLACED'
    FROM generate_series(1, $1::int) AS i`;

/** The same number of orders on each of `days` days from `from` on: a batch of as many files. */
export function insertOverDays(
  pool: Pick<Pool, 'query'>,
  options: { from: string; days: number; perDay: number },
): Promise<unknown> {
  return pool.query(INSERT_OVER_DAYS, [options.from, options.days, options.perDay]);
}

const INSERT_OVER_DAYS = `
  INSERT INTO ${ORDERS_TABLE} (customer_name, restaurant_name, item, amount, order_status, created_at)
  SELECT 'Alice', 'Spice Garden', 'Dosa ' || i, 19.99, 'DELIVERED', $1::timestamp + day * interval '1 day' + i * interval '1 second'
    FROM generate_series(0, $2::int - 1) AS day, generate_series(1, $3::int) AS i`;
