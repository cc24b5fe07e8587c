/**
 * One text for a row, in PostgreSQL (adapters/postgres/reconciliation/row-sql.ts), in DuckDB and here, and the first 64 bits of
 * its MD5. Equal rows have equal sums of these, in whatever order they are added. A text column is preceded by its number of
 * characters, so that no other row has the same text; null is `~`.
 */
import { createHash } from 'node:crypto';
import { quoteName } from '../../adapters/lake/reading';
import type { Column, Row, Table, Value } from '../../domain/table/table';
import { incomparable } from '../../domain/verification';
import type { TextRow } from '../../ports';

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

/** An unscaled whole number as PostgreSQL and DuckDB print the decimal. */
export function decimalText(unscaled: number | bigint, scale: number): string {
  const sign = unscaled < 0 ? '-' : '';
  const digits = String(unscaled)
    .replace('-', '')
    .padStart(scale + 1, '0');
  return scale === 0 ? `${sign}${digits}` : `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** The columns of {@link TextRow} in DuckDB. */
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
