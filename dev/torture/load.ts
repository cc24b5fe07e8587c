/** Orders as many clients insert them: short commits, late ones, rollbacks, savepoints, prepared transactions. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool, PoolClient } from 'pg';
import type { Random } from './random';
import { insertOrders } from '../orders/insert-orders';

export interface Load {
  /** Ends new work and waits for what is open; afterwards nothing changes any more. */
  stop(): Promise<void>;
  /** Ends new work without waiting: what is open breaks off with its connection. */
  abandon(): void;
  /** Transactions that ended as intended, by kind, and those that a dead server broke off. */
  readonly counts: Readonly<Record<string, number>>;
}

interface LoadOptions {
  pool: Pool;
  random: Random;
  rowsPerSecond: number;
  /** Clients at the same time; half of them hold their transactions open for a while. */
  clients?: number;
}

/** What a client does with a transaction, by how likely. */
const KINDS = ['plain', 'plain', 'plain', 'held', 'rolled back', 'savepoint', 'prepared'] as const;

export function startLoad({ pool, random, rowsPerSecond, clients = 8 }: LoadOptions): Load {
  const counts: Record<string, number> = {};
  let stopping = false;
  let abandoned = false;
  let serial = 0;
  const client = async (): Promise<void> => {
    while (!stopping) {
      const kind = random.pick(KINDS);
      const rows = random.between(1, 40);
      const holdMs = kind === 'plain' ? 0 : random.between(50, 1_500);
      const pauseMs = (rows / (rowsPerSecond / clients)) * 1_000;
      const gid = `late-${process.pid}-${serial++}`;
      const begun = Date.now();
      try {
        await transact(pool, kind, rows, holdMs, gid);
        counts[kind] = (counts[kind] ?? 0) + 1;
      } catch {
        // PostgreSQL is away, or it broke the connection. What became of the transaction, the table will tell.
        counts['broken off'] = (counts['broken off'] ?? 0) + 1;
        await sleep(200);
        if (kind === 'prepared') await endPrepared(pool, gid, () => abandoned);
      }
      await sleep(Math.max(0, pauseMs - (Date.now() - begun)));
    }
  };
  const running = Promise.all(Array.from({ length: clients }, client));
  return {
    counts,
    async stop() {
      stopping = true;
      await running;
    },
    abandon() {
      stopping = true;
      abandoned = true;
    },
  };
}

async function transact(
  pool: Pool,
  kind: (typeof KINDS)[number],
  rows: number,
  holdMs: number,
  gid: string,
): Promise<void> {
  const session = await pool.connect();
  let broken = true;
  // Without a listener, a connection that breaks between two statements would end this process.
  session.on('error', ignore);
  try {
    await session.query('BEGIN');
    await insertOrders(session, rows);
    if (kind === 'savepoint') await partlyUndone(session, rows);
    await sleep(holdMs);
    if (kind === 'prepared') {
      await session.query(`PREPARE TRANSACTION '${gid}'`);
      await sleep(holdMs);
      await session.query(`COMMIT PREPARED '${gid}'`);
    } else {
      await session.query(kind === 'rolled back' ? 'ROLLBACK' : 'COMMIT');
    }
    broken = false;
  } finally {
    session.off('error', ignore);
    session.release(broken);
  }
}

async function partlyUndone(session: PoolClient, rows: number): Promise<void> {
  await session.query('SAVEPOINT here');
  await insertOrders(session, rows);
  await session.query('ROLLBACK TO SAVEPOINT here');
  await insertOrders(session, 1);
}

/** A prepared transaction outlives its server, and holds the pipeline back, as it must, until somebody ends it. */
async function endPrepared(pool: Pool, gid: string, abandoned: () => boolean): Promise<void> {
  while (!abandoned()) {
    try {
      const { rowCount } = await pool.query('SELECT FROM pg_prepared_xacts WHERE gid = $1', [gid]);
      if (rowCount === 0) return;
      await pool.query(`COMMIT PREPARED '${gid}'`);
    } catch {
      await sleep(200); // the server is still away
    }
  }
}

const ignore = (): void => undefined;
