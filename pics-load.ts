import { Pool } from 'pg';
import { createOrdersTable, ORDERS_TABLE } from './dev/stack/orders-table';
const pool = new Pool({ host: process.env['PGHOST'], port: Number(process.env['PGPORT']), user: process.env['PGUSER'], password: process.env['PGPASSWORD'], database: process.env['PGDATABASE'] });
const sleep = (ms: number) => new Promise((r) => setTimeout(r, ms));
const insert = (c: { query: Pool['query'] }, rows: number, bad = 0) => c.query(`INSERT INTO ${ORDERS_TABLE} (customer_name, restaurant_name, item, amount, order_status) SELECT 'A', 'B', 'C', CASE WHEN i <= ${bad} THEN -1 ELSE 12.5 END, 'PLACED' FROM generate_series(1, ${rows}) i`);
async function main() {
  if (process.argv[2] === 'table') { await pool.query(`DROP TABLE IF EXISTS ${ORDERS_TABLE}`); await pool.query(createOrdersTable(ORDERS_TABLE)); await pool.end(); return; }
  const begin = Date.now(); let n = 0; let held: any;
  for (;;) {
    const s = (Date.now() - begin) / 1000;
    if (s > 420) break;
    n += 1;
    await insert(pool, 10 + Math.round(8 * Math.sin(s / 40)), n % 10 === 0 ? 2 : 0);
    if (s > 180 && held === undefined) { held = await pool.connect(); await held.query('BEGIN'); await insert(held, 1); }
    if (s > 225 && held) { await held.query('COMMIT'); held.release(); held = null; }
    await sleep(50);
  }
  await pool.end();
}
main();
