/**
 * One text for a row, in PostgreSQL, in DuckDB and here, and the first 64 bits of its MD5. Equal rows have equal sums of
 * these, in whatever order they are added. A text column is preceded by its number of characters, so that no other row
 * has the same text; null is `~`.
 */
import { createHash } from 'node:crypto';
import { createdAtUtc, type TableShape } from '../../adapters/postgres/sql';
import type { Order } from '../../domain/order';

const TEXTS = ['customer_name', 'restaurant_name', 'item'] as const;

/** A row of the source as the other statements use it: order_id, micros, amount, hash, and `day` and `hour` in UTC. */
export function sourceRowsSql(shape: TableShape, where: string): string {
  // concat prints a value as the column's type does; a cast to text would cut the blanks off a CHAR(n).
  const text = (column: string) =>
    `CASE WHEN t.${column} IS NULL THEN '~' ELSE char_length(concat(t.${column})) || ':' || concat(t.${column}) END`;
  const whole = `coalesce(t.order_id::text, '~') || '|' || ${TEXTS.map(text).join(` || '|' || `)} || '|' ||
    coalesce(v.amount::text, '~') || '|' || ${text('order_status')} || '|' || v.micros`;
  return `
    SELECT t.order_id, v.at, v.micros, v.amount,
           ('x' || substr(md5(convert_to(${whole}, 'UTF8')), 1, 16))::bit(64)::bigint AS hash
      FROM ${shape.name} t, LATERAL (SELECT ${createdAtUtc(shape)} AS at, ${microsSql(shape)} AS micros, ${AMOUNT_SQL} AS amount) v
     WHERE ${where}`;
}

export const microsSql = (shape: TableShape) =>
  `(extract(epoch FROM ${createdAtUtc(shape)}) * 1000000)::bigint`;

/** What DECIMAL(10,2) cannot hold exactly is unreadable to the landing, and null in quarantine. */
export const AMOUNT_SQL = `CASE WHEN t.amount = round(t.amount, 2) AND abs(t.amount) < 100000000 THEN round(t.amount, 2) END`;

const duckText = (column: string) => `coalesce(length(${column}) || ':' || ${column}, '~')`;

/** The hash over the columns of a Parquet file. */
export const LAKE_HASH_SQL = `('0x' || substr(md5(coalesce(order_id::VARCHAR, '~') || '|' ||
  ${TEXTS.map(duckText).join(` || '|' || `)} || '|' || coalesce(amount::VARCHAR, '~') || '|' ||
  ${duckText('order_status')} || '|' || epoch_us(created_at)), 1, 16))::UBIGINT`;

/** The hash of a message's order, which must have a created_at. */
export function hashOfOrder(order: Order): bigint {
  const text =
    `${order.orderId ?? '~'}|${textOf(order.customerName)}|${textOf(order.restaurantName)}|${textOf(order.item)}|` +
    `${amountText(order.amountHundredths)}|${textOf(order.orderStatus)}|${order.createdAtMicros}`;
  return createHash('md5').update(text).digest().readBigUInt64BE(0);
}

const ASTRAL = /[\u{10000}-\u{10ffff}]/u;

function textOf(text: string | null): string {
  if (text === null) return '~';
  return `${ASTRAL.test(text) ? [...text].length : text.length}:${text}`;
}

/** As PostgreSQL and DuckDB print two decimals. */
export function amountText(hundredths: number | bigint | null): string {
  if (hundredths === null) return '~';
  const digits = String(hundredths).replace('-', '').padStart(3, '0');
  return `${hundredths < 0 ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`;
}
