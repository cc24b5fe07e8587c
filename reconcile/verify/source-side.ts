import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { Pool, PoolClient } from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { inspectTable } from '../../adapters/postgres/check';
import { translateErrors } from '../../adapters/postgres/errors';
import { openPool } from '../../adapters/postgres/session';
import { namingLocks } from '../../adapters/postgres/table-lock';
import { columnOf } from '../../adapters/postgres/column-names';
import { positionLiteral, quoteTable, timelessSql, type TableShape } from '../../adapters/postgres/sql';
import {
  readUnreachable,
  unreachableSql,
  type RegionOptions,
  type RegionRow,
} from '../../adapters/postgres/unreachable';
import type { Settings } from '../../configs/schema';
import type { Unreachable } from '../../domain/unreachable';
import { sourceRowsSql, sourceTextColumns, type TextRow } from './row-text';
import { addTo, UNIT_LENGTH, type SumsBy, type Unit } from './sums';

/** Bounds of the position as UTC text; `to` is exclusive. */
export interface Period {
  from: string;
  to: string;
}

/** The orders table, summed up where it is: no row leaves PostgreSQL but to be narrowed down. */
export class SourceSide {
  readonly #pool: Pool;
  #shape: TableShape | undefined;

  constructor(
    private readonly settings: Settings['postgres'],
    private readonly signal: AbortSignal,
  ) {
    // No time-out: a statement over a table of years takes its time, and the signal ends it.
    this.#pool = openPool(settings, 1);
  }

  async open(): Promise<void> {
    this.#shape = (await this.#guarded(() => inspectTable(this.#pool, this.settings))).shape;
  }

  close(): Promise<void> {
    return this.#pool.end();
  }

  async sums(period: Period, unit: Unit): Promise<SumsBy> {
    const { shape } = this;
    const rows = (ids: string) =>
      `SELECT date_trunc('${unit}', at) AS bucket, total, hash FROM (${sourceRowsSql(shape, this.#within(period, ids))}) r`;
    // Rows without an id are one for the landing if they are equal.
    const key = `t.${columnOf(shape.table.key)}`;
    const all = shape.keyNullable
      ? `${rows(`${key} IS NOT NULL`)} UNION ALL SELECT DISTINCT * FROM (${rows(`${key} IS NULL`)}) n`
      : rows('true');
    const found = await this.#query<unknown[]>({
      text: `SELECT substr(to_char(bucket, 'YYYY-MM-DD"T"HH24'), 1, ${UNIT_LENGTH[unit]}), count(*)::text,
                    (coalesce(sum(total), 0) * 1${'0'.repeat(shape.table.total.scale)})::bigint::text, sum(hash)::text
               FROM (${all}) a GROUP BY bucket`,
      rowMode: 'array',
    });
    const sums: SumsBy = new Map();
    for (const row of found) addTo(sums, row);
    return sums;
  }

  /** Writes `key,micros,hash` lines; the hash is signed. */
  async copyRows(period: Period, file: string): Promise<void> {
    const sql = `COPY (SELECT key, micros, hash FROM (${sourceRowsSql(this.shape, this.#within(period))}) r)
                   TO STDOUT (FORMAT csv)`;
    await this.#withClient(async (client) => {
      await pipeline(client.query(copyTo(sql)), createWriteStream(file, { mode: 0o600 }));
    });
  }

  /** Rows of these ids, whenever they were made. */
  async rowsById(orderIds: readonly string[]): Promise<TextRow[]> {
    const { name, table } = this.shape;
    return this.#query<TextRow>({
      text: `SELECT ${sourceTextColumns(this.shape).join(', ')} FROM ${name} t
              WHERE t.${columnOf(table.key)} = ANY ($1::bigint[]) AND t.${columnOf(table.position)} IS NOT NULL`,
      values: [orderIds],
    });
  }

  async count(period: Period): Promise<number> {
    const [row] = await this.#query<{ rows: number }>({
      text: `SELECT count(*)::float AS rows FROM ${this.shape.name} t WHERE ${this.#within(period)}`,
    });
    return row?.rows ?? 0;
  }

  async countTimeless(): Promise<number> {
    const [row] = await this.#query<{ rows: number }>({ text: timelessSql(this.shape) });
    return row?.rows ?? 0;
  }

  /** Rows that capture does not reach; see domain/unreachable.ts. */
  async unreachable(options: RegionOptions): Promise<Unreachable[]> {
    const [row] = await this.#query<{ found: RegionRow[] }>({
      text: `SELECT ${unreachableSql(this.shape, options)} AS found`,
    });
    return readUnreachable(this.shape, options, row?.found ?? []);
  }

  get shape(): TableShape {
    if (this.#shape === undefined) throw new Error('open() comes first');
    return this.#shape;
  }

  #within({ from, to }: Period, more = 'true'): string {
    const [lower, upper] = [positionLiteral(this.shape, from), positionLiteral(this.shape, to)];
    const position = `t.${columnOf(this.shape.table.position)}`;
    return `${position} >= ${lower} AND ${position} < ${upper} AND ${more}`;
  }

  #query<R>(query: { text: string; values?: unknown[]; rowMode?: 'array' }): Promise<R[]> {
    return this.#withClient(async (client) => (await client.query(query)).rows as R[]);
  }

  #withClient<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    return this.#guarded(async () => {
      this.signal.throwIfAborted();
      const client = await this.#pool.connect();
      // pg has no way to break off a statement but to end its connection.
      const abort = () => void (client as unknown as { end(): Promise<void> }).end().catch(() => undefined);
      this.signal.addEventListener('abort', abort, { once: true });
      let failed = true;
      try {
        const result = await work(client);
        failed = false;
        return result;
      } finally {
        this.signal.removeEventListener('abort', abort);
        client.release(failed);
      }
    });
  }

  #guarded<T>(work: () => Promise<T>): Promise<T> {
    const { host, port, db } = this.settings;
    return translateErrors(`${host}:${port}/${db}`, this.settings, () =>
      namingLocks(this.#pool, quoteTable(this.settings.table), work),
    );
  }
}
