import { pipeline } from 'node:stream/promises';
import type { Pool, PoolClient } from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import type { Settings } from '../../../configs/schema';
import { addTo, UNIT_LENGTH, type Period, type SumsBy } from '../../../domain/row-sums';
import type { OpenRows, SourceRows, Telemetry, TextRow } from '../../../ports';
import { inspectTable } from '../check';
import { guarded } from '../guarded';
import { endConnection, openPool } from '../session';
import { after, keyOf, positionLiteral, positionOf, timelessSql, upTo, type TableShape } from '../sql';
import { readUnreachable, unreachableSql, type RegionRow } from '../unreachable';
import { sourceRowsSql, sourceTextColumns } from './row-sql';

/** The orders table in PostgreSQL, behind {@link SourceRows}: no row leaves it but to be narrowed down. Connects when first used. */
export function createSourceRows(
  { postgres: settings }: Pick<Settings, 'postgres'>,
  { log }: Telemetry,
): SourceRows {
  // No time-out: a statement over a table of years takes its time, and the signal ends it.
  const pool = openPool(settings, 1, log);
  return {
    open: async ({ signal } = {}) => {
      const { shape } = await guarded(pool, settings, () => inspectTable(pool, settings));
      return openRows(shape, (work) => guarded(pool, settings, () => withClient(pool, signal, work)));
    },
    close: () => pool.end(),
  };
}

type WithClient = <T>(work: (client: PoolClient) => Promise<T>) => Promise<T>;

function openRows(shape: TableShape, use: WithClient): OpenRows {
  const { name, table } = shape;
  const [key, position] = [keyOf(shape), positionOf(shape)];

  const within = ({ from, to }: Period) =>
    `${position} >= ${positionLiteral(shape, from)} AND ${position} < ${positionLiteral(shape, to)}`;
  const query = <R>(statement: { text: string; values?: unknown[]; rowMode?: 'array' }): Promise<R[]> =>
    use(async (client) => (await client.query(statement)).rows as R[]);
  const count = async (text: string) => (await query<{ rows: number }>({ text }))[0]?.rows ?? 0;

  return {
    async sums(period, unit) {
      const rows = (keys: string) =>
        `SELECT date_trunc('${unit}', at) AS bucket, total, hash
           FROM (${sourceRowsSql(shape, `${within(period)} AND ${keys}`)}) r`;
      // Rows without an id are one for the landing if they are equal.
      const all = shape.keyNullable
        ? `${rows(`${key} IS NOT NULL`)} UNION ALL SELECT DISTINCT * FROM (${rows(`${key} IS NULL`)}) n`
        : rows('true');
      const found = await query<unknown[]>({
        text: `SELECT substr(to_char(bucket, 'YYYY-MM-DD"T"HH24'), 1, ${UNIT_LENGTH[unit]}), count(*)::text,
                      (coalesce(sum(total), 0) * 1${'0'.repeat(table.total.scale)})::bigint::text, sum(hash)::text
                 FROM (${all}) a GROUP BY bucket`,
        rowMode: 'array',
      });
      const sums: SumsBy = new Map();
      for (const row of found) addTo(sums, row);
      return sums;
    },

    async copyHashes(period, into) {
      const sql = `COPY (SELECT key, micros, hash FROM (${sourceRowsSql(shape, within(period))}) r)
                     TO STDOUT (FORMAT csv)`;
      await use((client) => pipeline(client.query(copyTo(sql)), into()));
    },

    rowsById: (keys) =>
      query<TextRow>({
        text: `SELECT ${sourceTextColumns(shape).join(', ')} FROM ${name} t
                WHERE ${key} = ANY ($1::bigint[]) AND ${position} IS NOT NULL`,
        values: [keys],
      }),

    countBetween: (low, high) =>
      count(
        `SELECT count(*)::float AS rows FROM ${name} t WHERE ${after(shape, low)} AND ${upTo(shape, high)}`,
      ),

    countTimeless: () => count(timelessSql(shape)),

    async unreachable(options) {
      const [row] = await query<{ found: RegionRow[] }>({
        text: `SELECT ${unreachableSql(shape, options)} AS found`,
      });
      return readUnreachable(shape, options, row?.found ?? []);
    },
  };
}

async function withClient<T>(
  pool: Pool,
  signal: AbortSignal | undefined,
  work: (client: PoolClient) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  const client = await pool.connect();
  const abort = () => endConnection(client);
  signal?.addEventListener('abort', abort, { once: true });
  let failed = true;
  try {
    const result = await work(client);
    failed = false;
    return result;
  } finally {
    signal?.removeEventListener('abort', abort);
    client.release(failed);
  }
}
