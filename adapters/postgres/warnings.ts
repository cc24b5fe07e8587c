/** What is lasting but harmless, each with what mends it after the first sentence. */
import type { Queries } from './check';
import { isIndexed, type TableFacts } from './facts';
import { strangeDefaults, type Precision } from './precision';
import { relativesSql } from './relatives';
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
  const indexSql = async (...columns: string[]) => {
    const on = `(${columns.join(', ')});`;
    // PostgreSQL refuses CONCURRENTLY for a partitioned table.
    if (facts.kind === 'p') return `CREATE INDEX ON ${name} ${on}`;
    const { rows } = await pool.query<{ name: string }>(lackingSql(columns), [name]);
    return rows.map((lacking) => `CREATE INDEX CONCURRENTLY ON ${lacking.name} ${on}`).join(' ');
  };
  const parts = facts.kind === 'p' ? ' in each partition' : '';
  if (!indexed.orderId) {
    warnings.push(
      `${name} has no index on order_id${parts}: rows that capture does not reach, as a client set their created_at to the ` +
        `past, are noticed only while the whole table can be read within 2 s. Run: ${await indexSql('order_id')}`,
    );
  }
  if (!indexed.place) {
    warnings.push(
      `${name} has no index on (created_at, order_id)${parts}: every poll reads the whole table. ` +
        `Run: ${await indexSql('created_at', 'order_id')}`,
    );
  }
  if (facts.persistence === 'u') {
    warnings.push(
      `${name} is unlogged: PostgreSQL empties it after a crash, with the rows that were not captured yet. ` +
        `Run: ALTER TABLE ${name} SET LOGGED;`,
    );
  }
  if (shape.createdAtType === 'timestamp') {
    const zone = await pool.query<{ moves: boolean }>(ZONE_MOVES_SQL, [shape.timezone]);
    if (zone.rows[0]!.moves) {
      warnings.push(
        `postgres.timezone ${shape.timezone} puts its clocks back once a year, and rows of the repeated hour would be ` +
          `missed. Make created_at timestamptz, or let the inserting sessions use UTC.`,
      );
    }
  }
  return [...warnings, ...precisionWarnings(shape, precision)];
}

/** Up to a second nobody minds that orders come so much later. */
const WORTH_TELLING_MICROS = 1_000_000;

function precisionWarnings(
  { name, timezone, grainMicros: grain }: TableShape,
  precision: Precision,
): string[] {
  const asNow = `Run: ALTER TABLE ${name} ALTER created_at SET DEFAULT CURRENT_TIMESTAMP;`;
  const warnings = strangeDefaults(precision, timezone).map(
    (text) =>
      `${name}.created_at has the default ${text}, of which it is not known how far before its transaction it lies: rows that ` +
      `capture has passed by then are missed. ${asNow}`,
  );
  if (grain > WORTH_TELLING_MICROS)
    warnings.push(
      `${name}.created_at is cut by its default, so orders are captured ${grain / 1e6} s after they are made. ${asNow}`,
    );
  return warnings;
}
