/** What database administrators and other applications do to the table and to the workers' sessions. */
import type { Pool } from 'pg';
import { ORDERS_TABLE } from '../stack/fresh-pipeline';
import { CAPTURE_ROLE } from './capture-role';
import { insist, seconds, type Make } from './fault';

/** A lock on the table waits for the clients' transactions; in between they wait for it. */
const statement = (pool: Pool, sql: string, signal: AbortSignal) => insist(() => pool.query(sql), signal);

const ALTERATIONS: readonly [string, ...string[]] = [
  'ADD COLUMN IF NOT EXISTS note text',
  `ADD COLUMN IF NOT EXISTS city varchar(40) DEFAULT 'Rome'`,
  'DROP COLUMN IF EXISTS note',
  'ALTER COLUMN customer_name TYPE text',
  'ALTER COLUMN customer_name TYPE varchar(255)',
  'ALTER COLUMN restaurant_name TYPE varchar(500)',
  'ALTER COLUMN order_id TYPE bigint',
  'ALTER COLUMN item SET NOT NULL',
  'ALTER COLUMN item DROP NOT NULL',
  'ALTER COLUMN order_status TYPE varchar(80)',
];

export const tableAltered: Make = ({ harness }, random) => {
  const what = random.pick(ALTERATIONS);
  return {
    kind: 'table altered',
    what,
    run: async (signal) =>
      void (await statement(harness.pipeline.pool, `ALTER TABLE ${ORDERS_TABLE} ${what}`, signal)),
  };
};

const INDEX =
  'SELECT indexrelid::regclass AS name FROM pg_index WHERE indrelid = $1::regclass AND NOT indisprimary';

export const indexDropped: Make = ({ harness }, random) => {
  const away = random.between(1, 8);
  return {
    kind: 'index dropped and created',
    what: `away for ${away} s`,
    run: async (signal) => {
      const { pool } = harness.pipeline;
      const { rows } = await insist(() => pool.query<{ name: string }>(INDEX, [ORDERS_TABLE]), signal);
      for (const { name } of rows) await statement(pool, `DROP INDEX IF EXISTS ${name}`, signal);
      await seconds(away, signal);
      await statement(pool, `CREATE INDEX ON ${ORDERS_TABLE} (created_at, order_id)`, signal);
    },
  };
};

/** None of them may reach the workers' sessions. */
const SETTINGS: readonly [string, ...string[]] = [
  `statement_timeout = '20ms'`,
  `lock_timeout = '1ms'`,
  `transaction_timeout = '30ms'`,
  `idle_in_transaction_session_timeout = '10ms'`,
  `idle_session_timeout = '200ms'`,
  `"TimeZone" = 'Asia/Kolkata'`,
  `"DateStyle" = 'SQL, DMY'`,
  `"IntervalStyle" = 'iso_8601'`,
  'extra_float_digits = -15',
  `bytea_output = 'escape'`,
  `search_path = 'pg_catalog'`,
  `client_encoding = 'LATIN1'`,
  'standard_conforming_strings = off',
  'default_transaction_read_only = on',
  `default_transaction_isolation = 'serializable'`,
  'row_security = off',
  'enable_indexscan = off',
  `work_mem = '64kB'`,
];

const END_SESSIONS = 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1';

export const roleSet: Make = ({ harness }, random) => {
  const setting = random.pick(SETTINGS);
  const lasts = random.between(2, 10);
  return {
    kind: 'role setting changed',
    what: `${setting} for ${lasts} s`,
    run: async (signal) => {
      const { pool } = harness.pipeline;
      const set = async (sql: string) => {
        await insist(() => pool.query(`ALTER ROLE ${CAPTURE_ROLE.user} ${sql}`), signal);
        await insist(() => pool.query(END_SESSIONS, [CAPTURE_ROLE.user]), signal);
      };
      await set(`SET ${setting}`);
      try {
        await seconds(lasts, signal);
      } finally {
        await set('RESET ALL');
      }
    },
  };
};

export const tableLocked: Make = ({ harness }, random) => {
  const held = random.between(1, 12);
  return {
    kind: 'table locked',
    what: `ACCESS EXCLUSIVE for ${held} s`,
    run: async (signal) => {
      const session = await insist(() => harness.pipeline.pool.connect(), signal);
      const ignore = () => undefined;
      session.on('error', ignore);
      try {
        await session.query(`BEGIN; LOCK TABLE ${ORDERS_TABLE}`);
        await seconds(held, signal);
      } finally {
        session.off('error', ignore);
        session.release(true);
      }
    },
  };
};

export const tableMaintained: Make = ({ harness }, random) => {
  const sql = random.pick([
    `VACUUM FULL ${ORDERS_TABLE}`,
    `REINDEX TABLE ${ORDERS_TABLE}`,
    `REINDEX TABLE CONCURRENTLY ${ORDERS_TABLE}`,
    `VACUUM (ANALYZE, FREEZE) ${ORDERS_TABLE}`,
    `CLUSTER ${ORDERS_TABLE} USING "2025em1100102_orders_pkey"`,
  ] as const);
  return {
    kind: 'table maintained',
    what: sql,
    run: async (signal) => void (await statement(harness.pipeline.pool, sql, signal)),
  };
};

/** As clients may set it; `item` begins with "odd", so that nobody waits for them. */
const ODD_TIMES: readonly [string, ...string[]] = [
  'NULL',
  `CURRENT_TIMESTAMP - interval '3 minutes'`,
  `CURRENT_TIMESTAMP - interval '2 years'`,
  `CURRENT_TIMESTAMP + interval '1 hour'`,
  `CURRENT_TIMESTAMP + interval '9 days'`,
  `'infinity'`,
  `'-infinity'`,
  `'1969-07-20 20:17:40'`,
  `'0044-03-15 12:00:00 BC'`,
];

export const oddTimes: Make = ({ harness, declared }, random) => {
  const when = random.pick(ODD_TIMES);
  const rows = random.between(1, 5);
  const sql = `
    INSERT INTO ${ORDERS_TABLE} (customer_name, restaurant_name, item, amount, order_status, created_at)
    SELECT 'Zoë', 'Café', 'odd ' || i, 1.50, 'PLACED', ${when} FROM generate_series(1, ${rows}) AS i`;
  return {
    kind: 'rows of odd times',
    what: `${rows} with created_at ${when}`,
    run: async (signal) => {
      declared.repeats = true; // most of them are in no topic
      await statement(harness.pipeline.pool, sql, signal);
    },
  };
};
