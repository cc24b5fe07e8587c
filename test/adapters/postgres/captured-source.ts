/** A table of orders that is captured, in a schema recreated by `begin`. For suites of a database each. */
import { NonRetryableError } from '../../../domain/errors';
import { createOrdersTable } from '../../../dev/stack/orders-table';
import { ORDERS_TABLE, freshPipeline, type FreshPipeline } from '../../helpers/pipeline';
import { CapturedTable } from './source-shape-helpers';

jest.setTimeout(60_000);

export const T = ORDERS_TABLE;
export const CREATE_TABLE = createOrdersTable(T);
export const KEY = '"2025em1100102_orders_pkey"';

export let pipeline: FreshPipeline;
export let table: CapturedTable;
export const query = (sql: string) => pipeline.pool.query(sql);

beforeAll(async () => {
  pipeline = await freshPipeline({ cdc: { settle_ms: 0 } });
  // As long as nobody says otherwise, sessions are not in the pipeline's zone.
  await query(`ALTER DATABASE ${pipeline.name} SET TimeZone = 'America/New_York'`);
});
afterAll(() => pipeline.dispose());

export async function begin(create = CREATE_TABLE): Promise<void> {
  await query('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
  await query(create);
  table = new CapturedTable(pipeline.pool, pipeline.settings);
}
afterEach(() => table.close());

export const failureOf = async (work: Promise<unknown>) => {
  const error: unknown = await work.then(
    () => undefined,
    (failure: unknown) => failure,
  );
  expect(error).toBeInstanceOf(NonRetryableError);
  return error as NonRetryableError;
};

/** In one transaction, in a session of the database's zone if none is given. */
export const inZone = (sql: string, zone = 'America/New_York') =>
  `BEGIN; SET LOCAL TimeZone = '${zone}'; ${sql}; COMMIT`;
