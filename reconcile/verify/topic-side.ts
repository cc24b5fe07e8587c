import type { DuckDBConnection } from '@duckdb/node-api';
import { BIGINT, DuckDBDataChunk, INTEGER, UBIGINT, type DuckDBAppender } from '@duckdb/node-api';
import type { IncomingMessage, OrdersTopic, TextRow } from '../../ports';
import type { OffsetRange } from '../../domain/ranges';
import { ORDERS } from '../../domain/table/orders';
import { keyOf, microsOf, type Row } from '../../domain/table/table';
import { validate } from '../../messages';
import { hashOfRow, textRow } from './row-text';
import { addTo, UNIT_LENGTH, type Period, type SumsBy, type Unit } from '../../domain/row-sums';
import { parseTimestamp } from '../../domain/watermark';

const TYPES = [BIGINT, BIGINT, BIGINT, UBIGINT, INTEGER, BIGINT] as const;
/** DuckDB's vectors hold 2048. */
const CHUNK_ROWS = 2_048;
/** How often progress is told. */
const TELL_EVERY = 20_000;

/**
 * The topic's messages as rows of the table `messages` (key, micros, total, hash, part, off), on disk beyond the
 * memory limit: a message that was published again may be anywhere.
 */
export class TopicSide {
  /** Messages without a position that can be read. */
  timeless = 0;
  /** Per partition the position of the first message that was read, microseconds. */
  readonly firstMicros = new Map<number, bigint>();

  constructor(
    private readonly topic: OrdersTopic,
    private readonly duckdb: DuckDBConnection,
    private readonly signal: AbortSignal,
  ) {}

  /** Keeps the messages of a period. */
  async load(
    ranges: readonly OffsetRange[],
    period: Period,
    onRead: (messages: number) => void,
  ): Promise<void> {
    await this.duckdb.run(
      'CREATE TABLE messages (key BIGINT, micros BIGINT, total BIGINT, hash UBIGINT, part INTEGER, off BIGINT)',
    );
    const [from, to] = [parseTimestamp(period.from)!, parseTimestamp(period.to)!];
    const appender = await this.duckdb.createAppender('messages');
    const columns = emptyColumns();
    let read = 0;
    const take = (messages: readonly IncomingMessage[]) => {
      for (const message of messages) {
        const row = rowOf(message);
        const micros = microsOf(ORDERS, row);
        if (micros === null) {
          this.timeless += 1;
          continue;
        }
        if (!this.firstMicros.has(message.partition)) this.firstMicros.set(message.partition, micros);
        if (micros < from || micros >= to) continue;
        push(columns, row, micros, message);
        if (columns[0].length === CHUNK_ROWS) flush(appender, columns);
      }
      if (Math.floor(read / TELL_EVERY) !== Math.floor((read += messages.length) / TELL_EVERY)) onRead(read);
    };
    await this.topic.read(ranges, take, { signal: this.signal });
    flush(appender, columns);
    appender.closeSync();
  }

  /** Each order once, however often it was published; one that was published with other values counts once for each. */
  async sums(period: Period, unit: Unit): Promise<SumsBy> {
    const sums: SumsBy = new Map();
    const rows = await this.duckdb.runAndReadAll(
      `SELECT substr(strftime(make_timestamp(micros), '%Y-%m-%dT%H'), 1, ${UNIT_LENGTH[unit]}), count(*)::VARCHAR,
              coalesce(sum(total), 0)::VARCHAR, sum(hash)::VARCHAR
         FROM (SELECT DISTINCT key, micros, total, hash FROM messages WHERE ${withinSql(period)}) GROUP BY 1`,
    );
    for (const row of rows.getRows()) addTo(sums, row);
    return sums;
  }

  /** Orders of a period that were published more than once. */
  async publishedAgain(period: Period): Promise<number> {
    const rows = await this.duckdb.runAndReadAll(
      `SELECT count(*)::DOUBLE FROM (SELECT 1 FROM messages WHERE key IS NOT NULL AND ${withinSql(period)}
                                      GROUP BY key HAVING count(*) > 1)`,
    );
    return Number(rows.getRows()[0]?.[0]);
  }

  /** Microseconds of the oldest order of which no message stands below `next`; `undefined` if there is none. */
  async oldestBeyond(next: Record<string, string>): Promise<bigint | undefined> {
    const beyond = Object.entries(next).map(
      ([p, offset]) => `(part = ${Number(p)} AND off >= ${BigInt(offset)})`,
    );
    const rows = await this.duckdb.runAndReadAll(
      `WITH ahead AS (SELECT * FROM messages WHERE ${beyond.join(' OR ') || 'true'}),
            behind AS (SELECT key, micros FROM messages SEMI JOIN ahead USING (micros)
                        WHERE NOT (${beyond.join(' OR ') || 'true'}))
       SELECT min(a.micros) FROM ahead a WHERE NOT EXISTS
         (SELECT 1 FROM behind b WHERE b.micros = a.micros AND b.key IS NOT DISTINCT FROM a.key)`,
    );
    return (rows.getRows()[0]?.[0] as bigint | null | undefined) ?? undefined;
  }

  /** Where the newest message of an order is, and what it holds. */
  async messageOf(
    orderId: string,
  ): Promise<{ partition: number; offset: string; row: TextRow | undefined } | undefined> {
    const rows = await this.duckdb.runAndReadAll(
      `SELECT part, off::VARCHAR FROM messages WHERE key = ${BigInt(orderId)} ORDER BY micros DESC, off DESC LIMIT 1`,
    );
    const [place] = rows.getRows();
    if (place === undefined) return undefined;
    const [partition, offset] = [Number(place[0]), String(place[1])];
    const range = { partition, from: offset, to: String(BigInt(offset) + 1n) };
    let row: TextRow | undefined;
    const take = ([message]: readonly IncomingMessage[]) => {
      if (message !== undefined) row = textRow(ORDERS, rowOf(message));
    };
    await this.topic.read([range], take, { signal: this.signal });
    return { partition, offset, row };
  }
}

function rowOf(message: IncomingMessage): Row {
  const validation = validate(message);
  return validation.accepted ?? validation.order;
}

type Columns = [(bigint | null)[], bigint[], (bigint | null)[], bigint[], number[], bigint[]];

function emptyColumns(): Columns {
  return [[], [], [], [], [], []];
}

function push(columns: Columns, row: Row, micros: bigint, { partition, offset }: IncomingMessage): void {
  const [keys, times, totals, hashes, partitions, offsets] = columns;
  const total = row[ORDERS.totalAt] as number | bigint | null;
  keys.push(keyOf(ORDERS, row));
  times.push(micros);
  totals.push(total === null ? null : BigInt(total));
  hashes.push(hashOfRow(ORDERS, row));
  partitions.push(partition);
  offsets.push(offset);
}

function flush(appender: DuckDBAppender, columns: Columns): void {
  if (columns[0].length === 0) return;
  const chunk = DuckDBDataChunk.create([...TYPES], columns[0].length);
  chunk.setColumns(columns);
  appender.appendDataChunk(chunk);
  for (const column of columns) column.length = 0;
}

function withinSql({ from, to }: Period): string {
  return `micros >= ${parseTimestamp(from)} AND micros < ${parseTimestamp(to)}`;
}
