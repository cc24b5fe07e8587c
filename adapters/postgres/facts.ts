/** What the catalogue says of the table, as far as statements and captured rows depend on it. */
import { escapeLiteral } from 'pg';
import type { Table } from '../../domain/table/table';

/** Raw, as the catalogue has it; a text of it is the table's fingerprint. */
export interface TableFacts {
  system: string | null;
  database_oid: string;
  database: string;
  oid: string;
  schema: string;
  table: string;
  kind: string;
  persistence: string;
  row_security: [enabled: boolean, forced: boolean];
  columns: { name: string; type: string; typmod: number; attnum: number }[];
  /** Hashes of the position's, of the table and its partitions and children. */
  defaults: string | null;
  key_nullable: boolean;
  /** Partitions and children that are foreign tables. */
  foreign: string[] | null;
  place_indexed: boolean;
  key_indexed: boolean;
}

/** Needs no more than to be looked up in the catalogue; one that PostgreSQL 18 holds to be valid for new rows only is none. */
const isNullable = (attribute: string) => `(NOT ${attribute}.attnotnull OR EXISTS (
    SELECT FROM pg_constraint k WHERE k.conrelid = ${attribute}.attrelid AND k.contype = 'n' AND NOT k.convalidated
       AND k.conkey = array[${attribute}.attnum]))`;

/** Whether the member `m` has a valid index, over all rows, that serves the order by these columns. */
export const isIndexed = (...columns: string[]) => `EXISTS (
    SELECT FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am am ON am.oid = x.relam
     WHERE i.indrelid = m.oid AND i.indisvalid AND i.indpred IS NULL AND am.amname = 'btree' AND ${columns
       .map(
         (column, place) => `i.indkey[${place}] = (
           SELECT a.attnum FROM pg_attribute a WHERE a.attrelid = m.oid AND a.attname = ${escapeLiteral(column)})`,
       )
       .join(' AND ')})`;

/**
 * {@link TableFacts} of the table with this oid, an SQL expression of type json. Within a statement that reads the table they
 * are exact: it locks table, partitions and children before its snapshot is taken, and who changes those waits for it.
 * In about 0.3 ms. `withSystem`: whether the role may call pg_control_system().
 */
export function factsSql(
  oid: string,
  { names, key: { name: key }, position: { name: position } }: Pick<Table, 'names' | 'key' | 'position'>,
  { withSystem }: { withSystem: boolean },
): string {
  return `(
  WITH RECURSIVE family AS (
    SELECT ${oid}::oid AS oid
    UNION SELECT i.inhrelid FROM pg_inherits i JOIN family ON i.inhparent = family.oid
  ), member AS (SELECT c.* FROM family JOIN pg_class c USING (oid))
  SELECT json_build_object(
           'system', ${withSystem ? '(SELECT system_identifier::text FROM pg_control_system())' : 'NULL'},
           'database_oid', d.oid::text, 'database', d.datname,
           'oid', c.oid::text, 'schema', n.nspname, 'table', c.relname, 'kind', c.relkind, 'persistence', c.relpersistence,
           'row_security', json_build_array(c.relrowsecurity, c.relforcerowsecurity),
           'columns', (
             SELECT json_agg(json_build_object('name', a.attname, 'type', a.atttypid::text, 'typmod', a.atttypmod,
                                               'attnum', a.attnum) ORDER BY a.attname)
               FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname IN (${names.map(escapeLiteral).join(', ')}) AND a.attnum > 0),
           'defaults', (
             SELECT string_agg(DISTINCT md5(e.adbin::text), ' ')
               FROM family f JOIN pg_attribute a ON a.attrelid = f.oid AND a.attname = ${escapeLiteral(position)}
               JOIN pg_attrdef e ON e.adrelid = a.attrelid AND e.adnum = a.attnum),
           'key_nullable', coalesce((
             SELECT bool_or(${isNullable('a')}) FROM family f JOIN pg_attribute a ON a.attrelid = f.oid AND a.attname = ${escapeLiteral(key)}), true),
           'foreign', (SELECT json_agg(format('%I.%I', (SELECT nspname FROM pg_namespace WHERE oid = m.relnamespace), m.relname)) FROM member m WHERE m.relkind = 'f'),
           'place_indexed', (SELECT bool_and(${isIndexed(position, key)}) FROM member m WHERE m.relkind = 'r'
                                OR m.oid = c.oid AND NOT EXISTS (SELECT FROM member r WHERE r.relkind = 'r')),
           'key_indexed', (SELECT bool_and(${isIndexed(key)}) FROM member m WHERE m.relkind = 'r'
                                OR m.oid = c.oid AND NOT EXISTS (SELECT FROM member r WHERE r.relkind = 'r')))
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_database d ON d.datname = current_database()
   WHERE c.oid = ${oid}::oid)`;
}

/** The facts in 32 characters: other ones, another text. */
export const fingerprintSql = (
  name: string,
  table: Pick<Table, 'names' | 'key' | 'position'>,
  options: { withSystem: boolean },
) => `md5(${factsSql(`${escapeLiteral(name)}::regclass`, table, options)}::text)`;

/** $1: the configured name, quoted; it is looked for as any statement of the role would. */
export const RESOLVE_SQL = `
  SELECT to_regclass($1)::oid::text AS oid,
         has_function_privilege('pg_control_system()', 'EXECUTE') AS with_system`;

/** What the columns are named and typed, domains by what they are made of. $1: the table's oid. */
export const TYPES_SQL = `
  SELECT a.attname AS name, b.typname AS type, b.typcategory AS category, format_type(a.atttypid, a.atttypmod) AS written,
         CASE WHEN b.oid = t.oid THEN a.atttypmod ELSE coalesce(b.typmod, -1) END AS typmod,
         CASE WHEN a.attgenerated = '' THEN pg_get_expr(e.adbin, e.adrelid) END AS "default",
         b.typcategory = 'S' OR EXISTS (
           SELECT FROM pg_cast k WHERE k.castsource = b.oid AND k.casttarget = 'int8'::regtype) AS countable
    FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_attrdef e ON e.adrelid = a.attrelid AND e.adnum = a.attnum, LATERAL (
      WITH RECURSIVE under AS (
        SELECT t.oid, t.typname, t.typcategory, t.typtype, t.typbasetype, NULL::int AS typmod, t.typtypmod
        UNION ALL
        SELECT p.oid, p.typname, p.typcategory, p.typtype, p.typbasetype, u.typtypmod, p.typtypmod
          FROM under u JOIN pg_type p ON p.oid = u.typbasetype WHERE u.typtype = 'd')
      SELECT * FROM under WHERE typtype <> 'd') b
   WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped
   ORDER BY a.attnum`;
