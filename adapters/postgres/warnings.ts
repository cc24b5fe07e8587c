/** What stays but is harmless, each with what mends it after the first sentence. */
import type { Column } from '../../domain/table/table';
import type { Queries } from './check';
import { isIndexed, type TableFacts } from './facts';
import { strangeDefaults, type Precision } from './precision';
import { relativesSql } from './relatives';
import { columnOf } from './column-names';
import { ZONE_MOVES_SQL, type TableShape } from './sql';

/** The table ($1) and its children that lack an index. (Partitions take one from their table.) */
const lackingSql = (columns: readonly string[]) => `
  SELECT format('%I.%I', n.nspname, m.relname) AS name FROM pg_class m JOIN pg_namespace n ON n.oid = m.relnamespace
   WHERE m.oid IN ${relativesSql('$1')} AND m.relkind = 'r' AND NOT ${isIndexed(...columns)} ORDER BY 1`;

export async function warningsFor(
  pool: Queries,
  shape: TableShape,
  { facts, precision }: { facts: TableFacts; precision: Precision },
): Promise<string[]> {
  const warnings: string[] = [];
  const { name, indexed } = shape;
  const [key, position] = [columnOf(shape.table.key), columnOf(shape.table.position)];
  const indexSql = async (...columns: Column[]) => {
    const on = `(${columns.map(columnOf).join(', ')});`;
    // PostgreSQL refuses CONCURRENTLY for a partitioned table.
    if (facts.kind === 'p') return `CREATE INDEX ON ${name} ${on}`;
    const { rows } = await pool.query<{ name: string }>(lackingSql(columns.map((column) => column.name)), [
      name,
    ]);
    return rows.map((lacking) => `CREATE INDEX CONCURRENTLY ON ${lacking.name} ${on}`).join(' ');
  };
  const parts = facts.kind === 'p' ? ' in each partition' : '';
  if (!indexed.key) {
    warnings.push(
      `${name} has no index on ${key}${parts}: rows that capture does not reach, as a client set their ${position} to the ` +
        `past, are noticed only while the whole table can be read within 2 s. Run: ${await indexSql(shape.table.key)}`,
    );
  }
  if (!indexed.place) {
    warnings.push(
      `${name} has no index on (${position}, ${key})${parts}: every poll reads the whole table. ` +
        `Run: ${await indexSql(shape.table.position, shape.table.key)}`,
    );
  }
  if (facts.persistence === 'u') {
    warnings.push(
      `${name} is unlogged: PostgreSQL empties it after a crash, with the rows that were not captured yet. ` +
        `Run: ALTER TABLE ${name} SET LOGGED;`,
    );
  }
  if (shape.positionType === 'timestamp') {
    const zone = await pool.query<{ moves: boolean }>(ZONE_MOVES_SQL, [shape.timezone]);
    if (zone.rows[0]!.moves) {
      warnings.push(
        `postgres.timezone ${shape.timezone} puts its clocks back once a year, and rows of the repeated hour would be ` +
          `missed. Make ${position} timestamptz, or let the inserting sessions use UTC.`,
      );
    }
  }
  return [...warnings, ...precisionWarnings(shape, precision)];
}

/** Up to a second nobody minds that orders come so much later. */
const WORTH_TELLING_MICROS = 1_000_000;

function precisionWarnings(
  { name, table, timezone, grainMicros: grain }: TableShape,
  precision: Precision,
): string[] {
  const position = columnOf(table.position);
  const asNow = `Run: ALTER TABLE ${name} ALTER ${position} SET DEFAULT CURRENT_TIMESTAMP;`;
  const warnings = strangeDefaults(precision, timezone).map(
    (text) =>
      `${name}.${position} has the default ${text}, of which it is not known how far before its transaction it lies: rows that ` +
      `capture has passed by then are missed. ${asNow}`,
  );
  if (grain > WORTH_TELLING_MICROS)
    warnings.push(
      `${name}.${position} is cut by its default, so orders are captured ${grain / 1e6} s after they are made. ${asNow}`,
    );
  return warnings;
}
