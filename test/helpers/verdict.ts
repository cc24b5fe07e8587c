import { queryLake } from '../../adapters/lake/reading/reader';
import { proveStructure } from '../../dev/torture/proof';
import { secondsToCatchUp } from '../../dev/torture/recovery';
import { ORDERS_TABLE, eventually, type FreshPipeline } from './pipeline';

/** Columns as text, printed alike by PostgreSQL and DuckDB. */
const AS_TEXT = `order_id::VARCHAR, customer_name, restaurant_name, item, amount::VARCHAR, order_status`;

/** Every row of the source, by id, as text. */
async function sourceRows(pipeline: FreshPipeline): Promise<string[]> {
  const { rows } = await pipeline.pool.query<{ line: string }>(
    `SELECT row_to_json(r)::text AS line FROM (
       SELECT order_id::text, customer_name, restaurant_name, item, amount::text, order_status,
              to_char(created_at, 'YYYY-MM-DD HH24:MI:SS.US') AS created_at FROM ${ORDERS_TABLE}) r`,
  );
  return rows.map(({ line }) => line).sort();
}

/** Every row of lake and quarantine in the same text, read by DuckDB. */
async function landedRows(pipeline: FreshPipeline): Promise<string[]> {
  const select = `SELECT ${AS_TEXT}, strftime(created_at AT TIME ZONE 'UTC', '%Y-%m-%d %H:%M:%S.%f') FROM files`;
  const rows = [
    ...(await queryLake(pipeline.lakePath, select)),
    ...(await queryLake(pipeline.lakePath, select, { quarantine: true })),
  ];
  return rows
    .map(([order_id, customer_name, restaurant_name, item, amount, order_status, created_at]) =>
      JSON.stringify({ order_id, customer_name, restaurant_name, item, amount, order_status, created_at }),
    )
    .sort();
}

/** Source = lake + quarantine, row by row and value by value; throws with the differences. */
export async function expectAllLandedOnce(pipeline: FreshPipeline): Promise<number> {
  const [source, landed] = [await sourceRows(pipeline), await landedRows(pipeline)];
  expect(landed).toHaveLength(source.length);
  expect(landed).toEqual(source);
  return source.length;
}

/**
 * The whole verdict, from outside: source = topic = lake + quarantine, each order once; ledger without gap or overlap;
 * every file as recorded, and no other. Waits for the last batch; returns the number of orders.
 */
export async function expectExactlyOnce(pipeline: FreshPipeline, timeoutMs = 60_000): Promise<number> {
  await secondsToCatchUp(pipeline, timeoutMs);
  // Offsets without rows, of a transaction's end, are landed a moment later.
  await eventually(async () => expect(await proveStructure(pipeline)).toEqual([]), 10_000);
  return expectAllLandedOnce(pipeline);
}
