import { Client, DatabaseError, Pool, type ClientBase, type PoolClient, type PoolConfig } from 'pg';
import type { Settings } from '../../configs/schema';
import type { Log } from '../../ports';

/** For people who look into pg_stat_activity; {@link OWN_SESSION_SQL} is what we are told by. */
const APPLICATION_NAME = 'orders-stream';

/** A connection attempt that takes longer fails with a transient error; Temporal retries. */
const CONNECT_TIMEOUT_MS = 5_000;

/** Who alters the table holds it for milliseconds. One who holds it longer is to be named, not waited for in silence. */
const LOCK_TIMEOUT_MS = 3_000;

/** A setting of role or database may end our first message, which is the one that switches it off. */
const PREPARE_ATTEMPTS = 5;
const QUERY_CANCELED = '57014';

/** "ORDS", "STRM": an advisory lock that each own session holds, shared, from its first message to its end. */
const OWN_LOCK = [0x4f524453, 0x5354524d] as const;

/**
 * All that our statements rely on, whatever role, database or server have set: ALTER ROLE … SET is weaker than SET. After
 * the connect and not in the startup message, where poolers refuse what they do not know.
 * Left alone: what changes only speed or logs, what only a superuser may set, and `role`, which gives rights.
 */
const SETTINGS_SQL = `
  SET statement_timeout = 0;
  SET lock_timeout = ${LOCK_TIMEOUT_MS};
  SET idle_in_transaction_session_timeout = 0;
  SET row_security = off;
  SET TimeZone = 'UTC';
  SET timezone_abbreviations = 'Default';
  SET DateStyle = 'ISO, YMD';
  SET IntervalStyle = 'postgres';
  SET extra_float_digits = 1;
  SET bytea_output = 'hex';
  SET array_nulls = on;
  SET standard_conforming_strings = on;
  SET backslash_quote = safe_encoding;
  SET quote_all_identifiers = off;
  SET transform_null_equals = off;
  SET client_min_messages = 'warning';
  SET default_transaction_isolation = 'read committed';
  SET default_transaction_read_only = on;
  SET default_transaction_deferrable = off`;

/**
 * What not every server has, and what depends on the database: an SQL_ASCII one holds bytes of no known encoding, which
 * would fail to become UTF-8; they come as they are, and the landing says what is wrong with them.
 */
const PREPARE_SQL = `${SETTINGS_SQL};
  SELECT CASE WHEN v.number >= 140000 THEN pg_catalog.set_config('idle_session_timeout', '0', false) END,
         CASE WHEN v.number >= 170000 THEN pg_catalog.set_config('transaction_timeout', '0', false) END,
         pg_catalog.set_config('client_encoding', CASE pg_catalog.current_setting('server_encoding')
           WHEN 'SQL_ASCII' THEN 'SQL_ASCII' ELSE 'UTF8' END, false),
         pg_catalog.pg_try_advisory_lock_shared(${OWN_LOCK[0]}, ${OWN_LOCK[1]}),
         pg_catalog.current_setting('server_encoding') AS encoding
    FROM (SELECT pg_catalog.current_setting('server_version_num')::int AS number) v`;

/**
 * Whether a row of pg_stat_activity, as `a`, is a session of ours: of our role, and with our lock. Names are anybody's. The
 * look at pg_locks comes last and at most once, so it is made only while our role has another transaction open.
 */
export const OWN_SESSION_SQL = `(
  a.usename = session_user AND a.pid IN (
    SELECT own.pid FROM pg_locks own
     WHERE own.locktype = 'advisory' AND own.database = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND own.classid = ${OWN_LOCK[0]} AND own.objid = ${OWN_LOCK[1]} AND own.objsubid = 2
       AND own.mode = 'ShareLock' AND own.granted))`;

/** The database as messages name it. */
export const serverOf = ({ host, port, db }: Pick<Settings['postgres'], 'host' | 'port' | 'db'>) =>
  `${host}:${port}/${db}`;

/** Connection options for `pg`. Sessions that read for the pipeline come from {@link openPool} and {@link openSession}. */
export function connectionOptions(settings: Settings['postgres']): PoolConfig {
  const { host, port, db, user, password, ssl } = settings;
  return {
    host,
    port,
    database: db,
    user,
    password,
    ssl: ssl === true ? {} : ssl,
    application_name: APPLICATION_NAME,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
  };
}

/** A pool of own sessions, which depend on nobody's settings. A connection that breaks while idle is replaced, with a warning. */
export function openPool(settings: Settings['postgres'], max: number, log: Log): Pool {
  const prepared = (client: ClientBase) => {
    // The pool listens to idle ones alone. A connection that breaks in use, between two statements, would end the process.
    client.on('error', () => undefined);
    return prepare(client);
  };
  // It waits for what this returns, though its type does not say so.
  const onConnect = prepared as (client: ClientBase) => void;
  const pool = new Pool({ ...connectionOptions(settings), max, onConnect });
  pool.on('error', (error) =>
    log.warn('a connection to PostgreSQL was lost', { server: serverOf(settings), error: error.message }),
  );
  return pool;
}

/** One own session, connected; each of its answers is waited for `answerMs` at most. The caller ends it. */
export async function openSession(settings: Settings['postgres'], answerMs: number): Promise<Client> {
  const client = new Client({ ...connectionOptions(settings), query_timeout: answerMs });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await prepare(client);
    return client;
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }
}

/** pg has no way to break off a statement, or a COPY, but to end its connection. */
export function endConnection(client: PoolClient): void {
  void (client as unknown as { end(): Promise<void> }).end().catch(() => undefined);
}

const encodings = new WeakMap<ClientBase, string>();

/** In what the database of one of our sessions stores its texts. */
export const encodingOf = (client: ClientBase) => encodings.get(client) ?? 'UTF8';

/** Makes a new connection a session of ours. Doing it again changes nothing. */
async function prepare(client: ClientBase): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const message = { text: PREPARE_SQL, query_timeout: CONNECT_TIMEOUT_MS } as { text: string };
      const results = (await client.query(message)) as unknown as { rows: { encoding: string }[] }[];
      encodings.set(client, results.at(-1)!.rows[0]!.encoding);
      return;
    } catch (error) {
      const cutOff = error instanceof DatabaseError && error.code === QUERY_CANCELED;
      if (!cutOff || attempt === PREPARE_ATTEMPTS) throw error;
    }
  }
}
