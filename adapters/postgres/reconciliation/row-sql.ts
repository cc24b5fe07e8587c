/** A row's text and its hash in PostgreSQL: the same as reconcile/verify/row-text.ts has in DuckDB and for messages. */
import type { Column } from '../../../domain/table/table';
import { incomparable } from '../../../domain/verification';
import { columnOf } from '../column-names';
import { keyOf, positionUtc, type TableShape } from '../sql';

/** A row of the source as the other statements use it: key, at (UTC), micros, total, hash. */
export function sourceRowsSql(shape: TableShape, where: string): string {
  const { table } = shape;
  const whole = table.columns.map((column) =>
    column === table.position ? 'v.micros' : sourceText(column, `t.${columnOf(column)}`),
  );
  return `
    SELECT ${keyOf(shape)} AS key, v.at, v.micros, v.total,
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
