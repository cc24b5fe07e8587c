/** A source over a table of its own, fresh for each test of the suite that imports this. */
import { Client } from 'pg';
import { createOrdersSource } from '../../../adapters/postgres';
import type { OrdersSource } from '../../../ports';
import { watermarkFrom, type Watermark } from '../../../domain/watermark';
import { ORDERS_TABLE, freshPipeline, type FreshPipeline } from '../../helpers/pipeline';
import { SILENT } from '../../helpers/telemetry';

export const START = watermarkFrom({ createdAt: '1970-01-01T00:00:00Z' });
export const LOOK = {
  baselines: [],
  upTo: START,
  gaps: [],
  clock: '2025-11-18T10:00:00.000000Z',
  idAgeMs: 10_000,
};
export const signal = new AbortController().signal;

export let pipeline: FreshPipeline;
export let source: OrdersSource;
const open: Client[] = [];

beforeEach(async () => {
  pipeline = await freshPipeline({ cdc: { settle_ms: 0 } });
  source = createOrdersSource(pipeline.settings, SILENT);
});
afterEach(async () => {
  const left = await pipeline.pool.query<{ gid: string }>(
    'SELECT gid FROM pg_prepared_xacts WHERE database = current_database()',
  );
  for (const { gid } of left.rows) await pipeline.pool.query(`ROLLBACK PREPARED '${gid}'`);
  await Promise.all(open.splice(0).map((client) => client.end()));
  await source.close();
  await pipeline.dispose();
});

export async function session(options: { user?: string; application_name?: string } = {}): Promise<Client> {
  const { host, port, db: database, user, password } = pipeline.settings.postgres;
  const client = new Client({ host, port, database, user, password, ...options });
  open.push(client);
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

export const insert = (
  client: { query(sql: string): Promise<unknown> },
  values = `'A','B','C',1.00,'PLACED'`,
) =>
  client.query(
    `INSERT INTO ${ORDERS_TABLE} (customer_name, restaurant_name, item, amount, order_status) VALUES (${values})`,
  );

/** One poll: the rows that are ready after a place, as JSON texts, and the new place. */
export async function capture(
  after: Watermark,
  limit = 1000,
): Promise<{ values: string[]; upper: Watermark }> {
  const { before } = await source.horizon();
  const found = before === undefined ? undefined : await source.nextWindow({ after, before, limit });
  if (found === undefined) return { values: [], upper: after };
  const values: string[] = [];
  for await (const chunk of source.read({ lower: after, upper: found.upper }, { signal })) {
    values.push(...chunk.map(({ value }) => value.toString()));
  }
  return { values, upper: found.upper };
}

export const ids = (values: string[]) =>
  values.map((value) => (JSON.parse(value) as { order_id: number | null }).order_id);
