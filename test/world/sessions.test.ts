/** What administrators and other sessions do to ours. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import type { Harness } from '../faults/harness';
import { servers } from '../helpers/pipeline';
import { worldTest } from './cases';

const TABLE = '"2025em1100102_orders"';
const ROLE = `world_sessions_${process.pid}`;

/** Longer than a lock is waited for. */
const LOCKED_MS = 5_000;

function administrator(database = servers().PGDATABASE): Client {
  const { PGHOST: host, PGPORT: port, PGUSER: user, PGPASSWORD: password } = servers();
  return new Client({
    host,
    port: Number(port),
    user,
    password,
    database,
    application_name: 'orders-stream',
  });
}

async function asAdministrator(sql: string): Promise<void> {
  const client = administrator();
  await client.connect();
  await client.query(sql);
  await client.end();
}

beforeAll(() =>
  asAdministrator(
    `CREATE ROLE ${ROLE} LOGIN PASSWORD 'x'; GRANT pg_read_all_data, pg_read_all_stats TO ${ROLE}`,
  ),
);
afterAll(() => asAdministrator(`DROP ROLE IF EXISTS ${ROLE}`));

/** A session that is named as ours are: its row commits after others that began later. */
async function commitLate({ pipeline }: Harness): Promise<void> {
  const late = administrator(pipeline.name);
  late.on('error', () => undefined);
  await late.connect();
  const insert = (name: string) =>
    `INSERT INTO ${TABLE} (customer_name, restaurant_name, item, amount, order_status) VALUES ('${name}', 'r', 'i', 1, 'PLACED')`;
  await late.query(`BEGIN; ${insert('late')}`);
  await pipeline.pool.query(insert('early'));
  await sleep(1_500); // time enough for a capture that does not wait for it
  await late.query('COMMIT');
  await late.end();
}

async function lockFor(milliseconds: number, { pipeline }: Harness): Promise<void> {
  const client = await pipeline.pool.connect();
  await client.query(`BEGIN; LOCK TABLE ${TABLE} IN ACCESS EXCLUSIVE MODE`);
  await sleep(milliseconds);
  await client.query('COMMIT');
  client.release();
}

worldTest([
  {
    what: 'sessions that are named like ours commit late',
    moments: ['while idle'],
    change: commitLate,
  },
  {
    what: 'the table is locked for longer than it is waited for',
    moments: ['while idle'],
    change: (harness) => lockFor(LOCKED_MS, harness),
  },
  {
    what: 'row level security hides rows',
    moments: ['while idle'],
    overrides: { postgres: { user: ROLE, password: 'x' } },
    change: ({ pipeline }) =>
      pipeline.pool.query(
        `CREATE POLICY third ON ${TABLE} USING (order_id % 3 = 0); ALTER TABLE ${TABLE} ENABLE ROW LEVEL SECURITY`,
      ),
    expect: { stopped: new RegExp(`row.level security.*ALTER ROLE "${ROLE}" BYPASSRLS`, 'is') },
  },
]);
