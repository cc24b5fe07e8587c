import { DatabaseError, type QueryResultRow } from 'pg';
import { TableLocked, type Hold } from '../../domain/hold';
import { relativesSql } from './relatives';
import { utcText } from './sql';

const LOCK_NOT_AVAILABLE = '55P03';

/**
 * Who has locked the table ($1), or stands in the queue for it before everyone who wants to read: an ALTER TABLE that
 * waits for a long report, say. A lock is as old as its transaction at most, a wait as old as its statement.
 */
const LOCK_SQL = `
  WITH things AS MATERIALIZED (
    SELECT r.oid FROM ${relativesSql('$1')} r
    UNION ALL SELECT i.indexrelid FROM ${relativesSql('$1')} r JOIN pg_index i ON i.indrelid = r.oid
  )
  SELECT coalesce(format('pid %s, role %s, application "%s", %s', l.pid, a.usename, a.application_name, a.state)
                    || CASE WHEN l.granted THEN '' ELSE ', which waits for ' || coalesce((
                         SELECT string_agg(format('pid %s, role %s, application "%s", %s', b.pid, b.usename, b.application_name, b.state), '; ')
                           FROM pg_stat_activity b WHERE b.pid = ANY (pg_blocking_pids(l.pid))), 'others') END,
                  'a prepared transaction') AS who,
         l.pid, ${utcText("coalesce(CASE WHEN l.granted THEN a.xact_start ELSE a.query_start END, statement_timestamp()) AT TIME ZONE 'UTC'")} AS since
    FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
   WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock'
     AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
     AND l.relation IN (SELECT oid FROM things)
   ORDER BY l.granted DESC, a.query_start LIMIT 1`;

interface Queries {
  query<R extends QueryResultRow>(text: string, values?: unknown[]): Promise<{ rows: R[] }>;
}

/** Runs `work`; where it waited for a lock on the table for too long, rejects with {@link TableLocked} that says whose it is. */
export async function namingLocks<T>(pool: Queries, table: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof DatabaseError) || error.code !== LOCK_NOT_AVAILABLE) throw error;
    const hold = await blockerOf(pool, table).catch(() => undefined);
    if (hold === undefined) throw error; // it was released meanwhile, or is on something else
    const mend = hold.mend === undefined ? '' : ` To end it, run: ${hold.mend}`;
    throw new TableLocked(
      `${table} is locked since ${hold.since}: ${hold.who}. The rows wait until it is released.${mend}`,
      hold,
      { cause: error },
    );
  }
}

async function blockerOf(pool: Queries, table: string): Promise<Hold | undefined> {
  const { rows } = await pool.query<{ who: string; since: string; pid: number | null }>(LOCK_SQL, [table]);
  const [found] = rows;
  if (found === undefined) return undefined;
  const { who, since, pid } = found;
  return {
    kind: 'table lock',
    who,
    since,
    mend: pid === null ? undefined : `SELECT pg_terminate_backend(${pid});`,
  };
}
