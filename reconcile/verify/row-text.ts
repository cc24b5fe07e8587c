/**
 * One text for a row, in PostgreSQL, in DuckDB and here, and the first 64 bits of its MD5. Equal rows have equal sums of
 * these, in whatever order they are added. A text column is preceded by its number of characters, so that no other row
 * has the same text; null is `~`.
 */
import { createHash } from 'node:crypto';
import { quoteName } from '../../adapters/lake/reading';
import { columnOf } from '../../adapters/postgres/column-names';
import { positionUtc, type TableShape } from '../../adapters/postgres/sql';
import { type Column, type Row, type Table, type Value } from '../../domain/table/table';

/** A row of the source as the other statements use it: key, at (UTC), micros, total, hash. */
export function sourceRowsSql(shape: TableShape, where: string): string {
  const { table } = shape;
  const whole = table.columns.map((column) =>
    column === table.position ? 'v.micros' : sourceText(column, `t.${columnOf(column)}`),
  );
  return `
    SELECT t.${columnOf(table.key)} AS key, v.at, v.micros, v.total,
           ('x' || substr(md5(convert_to(${whole.join(` || '|' || `)}, 'UTF8')), 1, 16))::bit(64)::bigint AS hash
      FROM ${shape.name} t, LATERAL (SELECT ${positionUtc(shape)} AS at, ${microsSql(shape)} AS micros, ${decimalSql(table.total)} AS total) v
     WHERE ${where}`;
}

const microsSql = (shape: TableShape) => microsOfSql(positionUtc(shape));
const microsOfSql = (timestamp: string) => `(extract(epoch FROM ${timestamp}) * 1000000)::bigint`;

/** What the decimal cannot hold exactly is unreadable to the landing, and null in quarantine. */
function decimalSql({ name, precision, scale }: Column & { type: 'decimal' }): string {
  const value = `t.${columnOf({ name })}`;
  const limit = `1${'0'.repeat(precision - scale)}`;
  return `CASE WHEN ${value} = round(${value}, ${scale}) AND abs(${value}) < ${limit} THEN round(${value}, ${scale}) END`;
}

/** A value's text in PostgreSQL. */
function sourceText(column: Column, value: string): string {
  const orNull = (text: string) => `coalesce((${text})::text, '~')`;
  switch (column.type) {
    case 'text':
    case 'json':
      // concat prints a value as the column's type does; a cast to text would cut the blanks off a CHAR(n).
      return `CASE WHEN ${value} IS NULL THEN '~' ELSE char_length(concat(${value})) || ':' || concat(${value}) END`;
    case 'decimal':
      return orNull(decimalSql(column));
    case 'date':
      return orNull(`${value} - DATE '1970-01-01'`);
    case 'timestamp':
      return orNull(microsOfSql(value));
    case 'timestamptz':
      return orNull(microsOfSql(`${value} AT TIME ZONE 'UTC'`));
    case 'double':
      throw incomparable(column);
    default:
      return orNull(value);
  }
}

/** A value's text in DuckDB, over the columns of a Parquet file. */
function lakeText(column: Column): string {
  const value = quoteName(column.name);
  const orNull = (text: string) => `coalesce((${text})::VARCHAR, '~')`;
  switch (column.type) {
    case 'text':
    case 'json':
      return `coalesce(length(${value}) || ':' || ${value}, '~')`;
    case 'date':
      return orNull(`${value} - DATE '1970-01-01'`);
    case 'timestamp':
    case 'timestamptz':
      return orNull(`epoch_us(${value})`);
    case 'decimal':
      return orNull(lakeDecimal(column));
    case 'double':
      throw incomparable(column);
    default:
      return orNull(value);
  }
}

/** DuckDB prints no zero before the point where the type has no room for one. */
function lakeDecimal({ name, precision, scale }: Column & { type: 'decimal' }): string {
  return scale < precision ? quoteName(name) : `${quoteName(name)}::DECIMAL(${precision + 1},${scale})`;
}

/** The hash over the columns of a Parquet file. */
export function lakeHashSql({ columns }: Table): string {
  return `('0x' || substr(md5(${columns.map(lakeText).join(` || '|' || `)}), 1, 16))::UBIGINT`;
}

/** The hash of a message's row, which must have a position. */
export function hashOfRow({ columns }: Table, row: Row): bigint {
  let text = '';
  for (let at = 0; at < columns.length; at++) {
    const column = columns[at]!;
    const value = row[at]!;
    text += `${at === 0 ? '' : '|'}${value === null ? '~' : textOf(column, value)}`;
  }
  return createHash('md5').update(text).digest().readBigUInt64BE(0);
}

const ASTRAL = /[\u{10000}-\u{10ffff}]/u;

function textOf(column: Column, value: Exclude<Value, null>): string {
  switch (column.type) {
    case 'text':
    case 'json': {
      const text = value as string;
      return `${ASTRAL.test(text) ? [...text].length : text.length}:${text}`;
    }
    case 'decimal':
      return decimalText(value as number | bigint, column.scale);
    case 'double':
      throw incomparable(column);
    default:
      return String(value);
  }
}

/** The three print doubles in different ways. */
function incomparable({ name }: Column): Error {
  return new Error(`${name}: columns of type double are not compared yet`);
}

/** An unscaled whole number as PostgreSQL and DuckDB print the decimal. */
export function decimalText(unscaled: number | bigint, scale: number): string {
  const sign = unscaled < 0 ? '-' : '';
  const digits = String(unscaled)
    .replace('-', '')
    .padStart(scale + 1, '0');
  return scale === 0 ? `${sign}${digits}` : `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** A row's columns as text, for naming the ones that differ; the position is its microseconds. */
export type TextRow = Record<string, string | null>;

/** The columns of {@link TextRow} in PostgreSQL, with the alias `t`. */
export function sourceTextColumns(shape: TableShape): string[] {
  return shape.table.columns.map((column) => {
    const name = columnOf(column);
    switch (column.type) {
      case 'text':
      case 'json':
        return `to_jsonb(t.${name}) #>> '{}' AS ${name}`;
      case 'decimal':
        return `(${decimalSql(column)})::text AS ${name}`;
      default:
        return column === shape.table.position
          ? `(${microsSql(shape)})::text AS ${name}`
          : `t.${name}::text AS ${name}`;
    }
  });
}

/** The same in DuckDB. */
export function lakeTextColumns({ columns, position }: Table): string[] {
  return columns.map((column) => {
    const name = quoteName(column.name);
    if (column.type === 'decimal') return `(${lakeDecimal(column)})::VARCHAR`;
    return column === position ? `epoch_us(${name})::VARCHAR` : `${name}::VARCHAR`;
  });
}

/** The same of a message's row. */
export function textRow({ columns }: Table, row: Row): TextRow {
  return Object.fromEntries(
    columns.map((column, at) => {
      const value = row[at] as Value;
      if (value === null) return [column.name, null];
      const text = column.type === 'decimal' ? textOf(column, value) : String(value);
      return [column.name, text];
    }),
  );
}
