/** The table of orders: made and filled if there is none, otherwise left as it is. */
import { Pool } from 'pg';
import { connectionOptions, quoteTable } from '../../adapters/postgres';
import type { Settings } from '../../configs/schema';
import { createOrdersTable } from '../stack/orders-table';
import { hashOf, isBad, sampleOrder, type NewOrder } from '../orders/sample-order';

const SAMPLES = 1_200;
const SAMPLE_DAYS = 5;

const DAY_MICROS = 86_400_000_000n;

/** What was found or made. */
export interface OrdersTable {
  found: 'absent' | 'empty' | 'with rows';
  /** Rows it held before. */
  rows: number;
}

/** Connections to the database of the orders; one second's outage must not end the demo, so idle losses are ignored. */
export function openPool(settings: Settings['postgres']): Pool {
  const pool = new Pool({
    ...connectionOptions(settings),
    application_name: 'orders-demo',
    max: 3,
    query_timeout: 60_000,
    // CURRENT_TIMESTAMP in a column without time zone must be of the zone in which the pipeline reads it.
    options: `-c TimeZone=${settings.timezone}`,
  });
  pool.on('error', () => undefined);
  return pool;
}

/** Looks, and changes nothing. */
export async function lookAtTable(pool: Pool, table: string): Promise<OrdersTable> {
  const name = quoteTable(table);
  const { rows } = await pool.query<{ there: boolean }>('SELECT to_regclass($1) IS NOT NULL AS there', [
    name,
  ]);
  if (rows[0]?.there !== true) return { found: 'absent', rows: 0 };
  const counted = await pool.query<{ rows: number }>(`SELECT count(*)::float AS rows FROM ${name}`);
  const held = counted.rows[0]?.rows ?? 0;
  return { found: held === 0 ? 'empty' : 'with rows', rows: held };
}

const insertSql = (name: string, createdAt: string) => `
  INSERT INTO ${name} (customer_name, restaurant_name, item, amount, order_status, created_at)
  SELECT customer_name, restaurant_name, item, amount, order_status, ${createdAt}
    FROM unnest($1::text[], $2::text[], $3::text[], $4::numeric[], $5::text[], $6::timestamptz[])
      AS o (customer_name, restaurant_name, item, amount, order_status, created_at)`;

/**
 * Makes the table if it is absent and fills it, in one transaction: an interrupted demo leaves nothing half done.
 * Only for a table that is absent or empty.
 */
export async function fillTable(
  pool: Pool,
  table: string,
  found: OrdersTable['found'],
): Promise<{ rows: number; bad: number; days: number }> {
  const name = quoteTable(table);
  const numbers = Array.from({ length: SAMPLES }, (_, i) => i + 1);
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    if (found === 'absent') await client.query(createOrdersTable(name));
    await client.query(insertSql(name, 'created_at'), [
      ...columnsOf(numbers.map((number) => sampleOrder(number))),
      sampleTimes(numbers),
    ]);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  } finally {
    client.release();
  }
  return { rows: SAMPLES, bad: numbers.filter((number) => isBad(number)).length, days: SAMPLE_DAYS };
}

/** One transaction with orders of this moment; their ids. */
export async function insertNow(pool: Pool, table: string, orders: readonly NewOrder[]): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(
    `${insertSql(quoteTable(table), 'CURRENT_TIMESTAMP')} RETURNING order_id::text AS id`,
    [...columnsOf(orders), orders.map(() => null)],
  );
  return rows.map(({ id }) => id);
}

function columnsOf(orders: readonly NewOrder[]): (string | null)[][] {
  return [
    orders.map((order) => order.customerName),
    orders.map((order) => order.restaurantName),
    orders.map((order) => order.item),
    orders.map((order) => order.amount),
    orders.map((order) => order.orderStatus),
  ];
}

/** Rising over the days before today (UTC), to the microsecond. */
function sampleTimes(numbers: readonly number[]): string[] {
  const today = BigInt(Math.floor(Date.now() / 86_400_000)) * DAY_MICROS;
  const begin = today - BigInt(SAMPLE_DAYS) * DAY_MICROS;
  const step = (BigInt(SAMPLE_DAYS) * DAY_MICROS) / BigInt(numbers.length);
  return numbers.map((number) => {
    const micros = begin + step * BigInt(number - 1) + BigInt(hashOf(number) % 60_000_000);
    const seconds = new Date(Number(micros / 1_000_000n) * 1000).toISOString().slice(0, 19);
    return `${seconds}.${String(micros % 1_000_000n).padStart(6, '0')}Z`;
  });
}
