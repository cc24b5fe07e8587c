/** What the table may be: what else PostgreSQL lets be read like a table could hide rows, or show them late. */
import { NonRetryableError } from '../../domain/errors';
import type { TableFacts } from './facts';

const VIEWS: Record<string, string> = { v: 'VIEW', m: 'MATERIALIZED VIEW' };

/** Of the views; $1: its oid. A table of the same schema may take its name. */
const BEHIND_SQL = `
  SELECT format('%I.%I', n.nspname, c.relname) AS name, c.relnamespace = v.relnamespace AS beside
    FROM pg_class v JOIN pg_rewrite r ON r.ev_class = v.oid
    JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass
    JOIN pg_class c ON c.oid = d.refobjid JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE v.oid = $1::oid AND c.oid <> v.oid AND c.relkind IN ('r', 'p') GROUP BY 1, 2 ORDER BY 1`;

/** NonRetryableError SchemaMismatch for what is no table, or has a part on another server, with what mends it. */
export async function refuseKind(
  query: <R extends object>(text: string, values: unknown[]) => Promise<{ rows: R[] }>,
  facts: TableFacts,
  { name, relation, place }: { name: string; relation: string; place: string },
): Promise<void> {
  const { kind, foreign, oid } = facts;
  const view = VIEWS[kind];
  if (view !== undefined) {
    const { rows: behind } = await query<{ name: string; beside: boolean }>(BEHIND_SQL, [oid]);
    const [table] = behind;
    const swap =
      table !== undefined && behind.length === 1 && table.beside
        ? `, or give that table the name: DROP ${view} ${name}; ALTER TABLE ${table.name} RENAME TO ${relation};`
        : '.';
    throw new NonRetryableError(
      'SchemaMismatch',
      `${name} in ${place} is a ${view.toLowerCase()}: rows can come to light in it at any time and place, and be lost in ` +
        `silence. Capture reads tables. Set postgres.table to the one behind it` +
        (behind.length === 0 ? swap : `, ${behind.map((one) => one.name).join(' or ')}${swap}`),
    );
  }
  if (kind === 'f') {
    throw new NonRetryableError(
      'SchemaMismatch',
      `${name} in ${place} is a foreign table: which transactions are still open on its own server cannot be seen from here, so ` +
        `rows that they commit late would be lost. Set postgres.host, postgres.db and postgres.table to the server that holds it.`,
    );
  }
  if (kind !== 'r' && kind !== 'p') {
    throw new NonRetryableError(
      'SchemaMismatch',
      `${name} in ${place} is not a table. Set postgres.table to one.`,
    );
  }
  const [part] = foreign ?? [];
  if (part !== undefined) {
    const mend =
      kind === 'p'
        ? `ALTER TABLE ${name} DETACH PARTITION ${part};`
        : `ALTER FOREIGN TABLE ${part} NO INHERIT ${name};`;
    throw new NonRetryableError(
      'SchemaMismatch',
      `Part of ${name} in ${place} is a foreign table, ${part}: which transactions are still open on its server cannot be seen from ` +
        `here, so rows that they commit late would be lost. Run: ${mend}`,
    );
  }
}
