import type { PoolClient, QueryResultRow } from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import type { Horizon, OrdersSource, Telemetry } from '../../ports';
import type { Settings } from '../../configs/schema';
import { NonRetryableError } from '../../domain/errors';
import { copyLines } from './copy-lines';
import { comesAsItIs, inUtf8 } from './encoding';
import { guarded as guardedBy } from './guarded';
import { detectLateRows } from './late-rows';
import { OrdersTable, type Known } from './orders-table';
import { encodingOf, endConnection, openPool } from './session';
import { withLivenessCheck } from './liveness';
import { HORIZON_SQL, copySql, lockedLookSql, windowSql, type TableShape } from './sql';

export { createSourceRows } from './reconciliation';
export { connectionOptions, serverOf } from './session';
export { quoteTable } from './sql';
export { serverVersion } from './version';

/** The orders table in PostgreSQL, behind {@link OrdersSource}. Reads only. */
export function createOrdersSource(
  settings: Pick<Settings, 'postgres' | 'cdc'>,
  { log }: Telemetry,
): OrdersSource {
  const connection = settings.postgres;
  const pool = openPool(connection, 3, log);

  const ignored = settings.cdc.ignore_application_names;
  const guarded = <T>(work: () => Promise<T>) => guardedBy({ query }, connection, work);

  /** As pool.query, but notices a dead connection. */
  const query = async <R extends QueryResultRow>(
    text: string,
    values?: unknown[],
  ): Promise<{ rows: R[] }> => {
    const client = await pool.connect();
    let failed = true;
    try {
      const result = await withLivenessCheck(client, connection, client.query<R>(text, values));
      failed = false;
      return result;
    } finally {
      client.release(failed);
    }
  };

  const orders = new OrdersTable({ query }, connection, log);

  return {
    check: () =>
      guarded(async () => {
        const { warnings, sourceId } = await orders.inspect();
        return { warnings, sourceId };
      }),

    inspected: () => orders.inspected,

    horizon: () =>
      guarded(async () => {
        const { name, grainMicros } = await orders.shape();
        const margin = settings.cdc.settle_ms + grainMicros / 1_000;
        const { rows } = await query<HorizonRow>(HORIZON_SQL, [ignored, name, margin]);
        return toHorizon(rows[0]!);
      }),

    nextWindow: ({ sourceId, ...options }) =>
      guarded(async () => {
        const { at, key, rows, oldest } = await orders.run(
          async (shape) => (await query<WindowRow>(windowSql(shape, options))).rows[0]!,
          { sourceId, at: options.after },
        );
        if (at === null || key === null || oldest === null) return undefined;
        return { upper: { createdAt: at, orderId: key }, rows, oldest };
      }),

    detectLateRows: ({ sourceId, ...options }) =>
      guarded(async () => {
        const known = { sourceId, at: options.upTo };
        return orders.run((shape) => detectLateRows(query, shape, options), known);
      }),

    async *read(window, { signal, sourceId }) {
      const client = await guarded(() => pool.connect());
      let failure: Error | undefined = new Error('abandoned');
      const abort = () => endConnection(client);
      signal.addEventListener('abort', abort, { once: true });
      const told = <R>(answer: Promise<R>) => withLivenessCheck(client, connection, answer);
      try {
        signal.throwIfAborted();
        const known = { sourceId, at: window.lower };
        const shape = await guarded(() => beginReading(orders, known, (text) => told(client.query(text))));
        const encoding = encodingOf(client);
        const stream = client.query(copyTo(copySql(shape, window, encoding)));
        const rows = copyLines(chunksWithLivenessCheck(client, connection, stream));
        yield* comesAsItIs(encoding) ? rows : inUtf8(rows, encoding, query);
        await told(client.query('COMMIT'));
        failure = undefined;
      } catch (error) {
        await guarded(() => Promise.reject(error as Error));
      } finally {
        signal.removeEventListener('abort', abort);
        // A connection in the middle of a COPY is of no more use: `true` closes it.
        client.release(failure !== undefined);
      }
    },

    close: () => pool.end(),
  };
}

interface WindowRow {
  look: string;
  at: string | null;
  key: string | null;
  rows: number;
  oldest: string | null;
}

/** Begins a transaction in which the table stays as it is, and tells its shape. */
async function beginReading(
  orders: OrdersTable,
  known: Known,
  query: (text: string) => Promise<unknown>,
): Promise<TableShape> {
  let begun = false;
  const { shape } = await orders.run(async (shape) => {
    if (begun) await query('ROLLBACK');
    begun = true;
    const results = (await query(lockedLookSql(shape))) as { rows: { look: string }[] }[];
    return { ...results[1]!.rows[0]!, shape };
  }, known);
  return shape;
}

/** The chunks of a COPY; silence counts only while one is waited for. */
async function* chunksWithLivenessCheck(
  client: PoolClient,
  connection: Settings['postgres'],
  stream: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer> {
  const chunks = stream[Symbol.asyncIterator]();
  try {
    for (;;) {
      const chunk = await withLivenessCheck(client, connection, chunks.next());
      if (chunk.done === true) return;
      yield chunk.value;
    }
  } finally {
    // Not waited for: it would wait for a chunk that may never come.
    void chunks.return?.().catch(() => undefined);
  }
}

interface HorizonRow {
  clock: string;
  before: string;
  standby: boolean;
  role: string;
  blind: number;
  blind_role: string | null;
  open_kind: 'open transaction' | null;
  open_who: string | null;
  open_since: string | null;
  open_mend: string | null;
  prepared_kind: 'prepared transaction' | null;
  prepared_who: string | null;
  prepared_since: string | null;
  prepared_mend: string | null;
}

function toHorizon(row: HorizonRow): Horizon {
  const { role } = row;
  if (row.standby) {
    throw new Error(
      'the server is a standby now, which does not show the transactions of its primary. Capture goes on when it is promoted, ' +
        'or postgres.host leads to the primary again',
    );
  }
  if (row.blind > 0) {
    throw new NonRetryableError(
      'InsufficientPrivilege',
      `Role "${role}" cannot see when ${row.blind} session(s) (one of role "${row.blind_role}") began their transaction, ` +
        `so rows they commit late could be lost. Run: GRANT pg_read_all_stats TO "${role}"; and keep track_activities on.`,
    );
  }
  const { clock, before } = row;
  if (row.prepared_kind !== null) {
    const heldBy = {
      kind: row.prepared_kind,
      who: row.prepared_who!,
      since: row.prepared_since!,
      mend: row.prepared_mend!,
    };
    return { clock, before: undefined, heldBy };
  }
  if (row.open_kind !== null) {
    const heldBy = { kind: row.open_kind, who: row.open_who!, since: row.open_since!, mend: row.open_mend! };
    return { clock, before, heldBy };
  }
  return { clock, before };
}
