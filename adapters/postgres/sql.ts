import { escapeIdentifier, escapeLiteral } from 'pg';
import type { Window } from '../../domain/ranges';
import type { Column, Table } from '../../domain/table/table';
import { tableParts } from '../../domain/table-name';
import type { Watermark } from '../../domain/watermark';
import { columnOf } from './column-names';
import { fingerprintSql } from './facts';
import { comesAsItIs } from './encoding';
import { OWN_SESSION_SQL } from './session';
import { relativesSql } from './relatives';

/** What the table looks like, as far as the statements depend on it. */
export interface TableShape {
  table: Table;
  /** Quoted, with its schema: a changed search_path leads nowhere else. */
  name: string;
  positionType: 'timestamp' | 'timestamptz';
  /** Zone in which a `timestamp` is read. */
  timezone: string;
  keyNullable: boolean;
  /** Whether indexes serve both orders in which rows are looked for: (position, key), and the key alone. */
  indexed: { place: boolean; key: boolean };
  /** How far before its transaction's start a row's position may be, as type or default cut it, in microseconds. */
  grainMicros: number;
  /** Whether the role may call pg_control_system(). */
  withSystem: boolean;
  /** What {@link lookSql} gives as long as all of this holds. */
  fingerprint: string;
}

/** The table's fingerprint at the moment of the statement that it is part of; see {@link fingerprintSql}. */
export const lookSql = ({ name, table, withSystem }: TableShape) =>
  fingerprintSql(name, table, { withSystem });

/** Locks the table until the transaction ends, as reading does, and looks at it. */
export const lockedLookSql = (shape: TableShape) =>
  `BEGIN READ ONLY; SELECT ${lookSql(shape)} AS look FROM (SELECT) one LEFT JOIN ${shape.name} t ON false`;

/** Prints a `timestamp` in the wire format: always six decimals, always 27 characters. */
export const utcText = (expression: string) => `to_char(${expression}, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

/** `orders` or `sales.orders`, quoted; see {@link tableParts}. The settings refuse what cannot be read. */
export function quoteTable(table: string): string {
  return (tableParts(table) ?? [table]).map(escapeIdentifier).join('.');
}

/** Facts about server and role; a standby does not show the primary's transactions, so it cannot be read from. */
export const SERVER_SQL = `
  SELECT pg_is_in_recovery() AS standby,
         current_user AS role,
         pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS sees_all,
         to_regclass($1) IS NOT NULL AND has_table_privilege(current_user, to_regclass($1), 'SELECT') AS may_read,
         to_regclass($1) IS NOT NULL AND row_security_active(to_regclass($1)) AS rows_hidden,
         EXISTS (SELECT FROM pg_timezone_names WHERE name = $2) AS zone_known`;

/** Does the zone move its clock in a year? Then local times repeat once a year. */
export const ZONE_MOVES_SQL = `
  SELECT count(DISTINCT ('2025-01-15T00:00Z'::timestamptz + m * interval '1 month') AT TIME ZONE $1
                      - ('2025-01-15T00:00Z'::timestamptz + m * interval '1 month') AT TIME ZONE 'UTC') > 1 AS moves
    FROM generate_series(0, 11) m`;

/** A schema that holds a table of the name but may not be used by the role, so that the table is not there for it. */
export const CLOSED_SCHEMA_SQL = `
  SELECT nspname AS schema, current_user AS role FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE relname = $2 AND nspname = coalesce($1, nspname) AND NOT has_schema_privilege(n.oid, 'USAGE') LIMIT 1`;

/** Tables of the name in schemas that the role may use, though its search_path does not lead there. */
export const ELSEWHERE_SQL = `
  SELECT quote_ident(nspname) || '.' || quote_ident(relname) AS name
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE relname = $1 AND relkind IN ('r', 'p') AND has_schema_privilege(n.oid, 'USAGE') ORDER BY 1`;

/** What says no more than whether rows may be read now: locks and policies are in the way. */
export const tryToReadSql = (name: string) => `SELECT FROM ${name} LIMIT 0`;

/** Rows without a position. */
export const timelessSql = (shape: TableShape) =>
  `SELECT count(*)::int AS rows FROM ${shape.name} t WHERE ${positionOf(shape)} IS NULL`;

/**
 * Who may still commit rows with an earlier created_at. $1: application names to ignore, $2: the table. Own sessions only
 * read, so they hold nothing back.
 *
 * statement_timestamp() precedes the look at pg_stat_activity, so a transaction that begins after the look has a
 * later start. One that is just beginning may be missing: a session takes its start, which created_at will be, from the
 * moment its first statement arrived, and shows it in the view only afterwards. In between lie microseconds, or as long
 * as a busy machine keeps the process waiting: that is what $3, cdc.settle_ms, is for, and a coarse created_at adds to it. A session with track_activities off, or hidden by missing rights, has no visible start: `blind`.
 * A prepared transaction has lost its start (pg_prepared_xacts.prepared is the moment of PREPARE, which is
 * later than its rows' created_at), but it can write no more, so it matters only if it holds a lock on the
 * table or one of its partitions. `open` is read first, by `before`: the other way round, a transaction prepared
 * between the two would be in neither.
 */
export const HORIZON_SQL = `
  WITH open AS (
    SELECT 'open transaction' AS kind, xact_start AS since,
           format('pid %s, role %s, application "%s", %s', pid, usename, application_name, state) AS who,
           format('SELECT pg_terminate_backend(%s);', pid) AS mend
      FROM pg_stat_activity a
     WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
       AND backend_type NOT IN ('autovacuum worker', 'parallel worker', 'walsender')
       AND application_name <> ALL ($1::text[]) AND NOT ${OWN_SESSION_SQL}
     ORDER BY xact_start LIMIT 1
  ), prepared AS (
    SELECT 'prepared transaction' AS kind, p.prepared AS since, format('gid "%s", role %s', p.gid, p.owner) AS who,
           format('COMMIT PREPARED %L; or ROLLBACK PREPARED %L;', p.gid, p.gid) AS mend
      FROM pg_prepared_xacts p
     WHERE p.database = current_database() AND EXISTS (
       SELECT FROM pg_locks x JOIN pg_locks l USING (virtualtransaction)
        WHERE x.locktype = 'transactionid' AND x.transactionid = p.transaction AND x.pid IS NULL
          AND l.locktype = 'relation' AND l.pid IS NULL
          AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
          AND l.relation IN ${relativesSql('$2')})
     ORDER BY p.prepared LIMIT 1
  ), blind AS (
    SELECT count(*) AS sessions, min(usename::text) AS role
      FROM pg_stat_activity a
     WHERE datname = current_database() AND pid <> pg_backend_pid()
       AND (query = '<insufficient privilege>' OR state = 'disabled')
       AND application_name <> ALL ($1::text[]) AND NOT ${OWN_SESSION_SQL}
  )
  SELECT ${utcText("statement_timestamp() AT TIME ZONE 'UTC'")} AS clock,
         ${utcText("(least(statement_timestamp(), (SELECT since FROM open)) - $3 * interval '1 millisecond') AT TIME ZONE 'UTC'")} AS before,
         pg_is_in_recovery() AS standby, current_user AS role,
         (SELECT sessions FROM blind)::int AS blind, (SELECT role FROM blind) AS blind_role,
         (SELECT kind FROM open) AS open_kind, (SELECT who FROM open) AS open_who, (SELECT mend FROM open) AS open_mend,
         ${utcText("(SELECT since FROM open) AT TIME ZONE 'UTC'")} AS open_since,
         (SELECT kind FROM prepared) AS prepared_kind, (SELECT who FROM prepared) AS prepared_who, (SELECT mend FROM prepared) AS prepared_mend,
         ${utcText("(SELECT since FROM prepared) AT TIME ZONE 'UTC'")} AS prepared_since`;

/** The column by which rows are captured; the table's alias is `t` here and below. */
export const positionOf = ({ table }: TableShape) => `t.${columnOf(table.position)}`;

/** The column that names a row. */
export const keyOf = ({ table }: TableShape) => `t.${columnOf(table.key)}`;

/** The position as a UTC `timestamp`. */
export function positionUtc(shape: TableShape): string {
  const { positionType, timezone } = shape;
  const position = positionOf(shape);
  if (positionType === 'timestamptz') return `${position} AT TIME ZONE 'UTC'`;
  return timezone === 'UTC'
    ? position
    : `${position} AT TIME ZONE ${escapeLiteral(timezone)} AT TIME ZONE 'UTC'`;
}

/** A UTC text as a literal of the column's own type, so that the index serves the comparison. */
export function positionLiteral({ positionType, timezone }: TableShape, utc: string): string {
  const instant = `${escapeLiteral(utc)}::timestamptz`;
  return positionType === 'timestamptz' ? instant : `(${instant} AT TIME ZONE ${escapeLiteral(timezone)})`;
}

/** NULL keys stand last among equal times; where the column is NOT NULL the bare name lets the index be used. */
const orderKey = (shape: TableShape) =>
  shape.keyNullable ? `coalesce(${keyOf(shape)}, 9223372036854775807)` : keyOf(shape);

const place = (shape: TableShape, { createdAt, orderId }: Watermark) =>
  `(${positionLiteral(shape, createdAt)}, '${BigInt(orderId)}'::bigint)`;

/** Rows after a place. The bound on the position alone follows from the other; it lets an index on it serve when the key may be NULL. */
export const after = (shape: TableShape, lower: Watermark) =>
  `${positionOf(shape)} >= ${positionLiteral(shape, lower.createdAt)} AND (${positionOf(shape)}, ${orderKey(shape)}) > ${place(shape, lower)}`;

/** Rows at or before a place; the first bound as in {@link after}. */
export const upTo = (shape: TableShape, upper: Watermark) =>
  `${positionOf(shape)} <= ${positionLiteral(shape, upper.createdAt)} AND (${positionOf(shape)}, ${orderKey(shape)}) <= ${place(shape, upper)}`;

/** Last place, first position and number of the next rows, NULL and 0 where there are none. */
export function windowSql(
  shape: TableShape,
  options: { after: Watermark; before: string; limit: number },
): string {
  const [position, key] = [columnOf(shape.table.position), columnOf(shape.table.key)];
  return `
  WITH w AS (
    SELECT t.${position}, ${orderKey(shape)} AS ${key}
      FROM ${shape.name} t
     WHERE ${after(shape, options.after)} AND t.${position} < ${positionLiteral(shape, options.before)}
     ORDER BY t.${position}, ${orderKey(shape)}
     LIMIT ${options.limit}
  )
  SELECT ${lookSql(shape)} AS look, ${utcText(positionUtc(shape))} AS at, t.${key}::text AS key,
         one.rows, (SELECT ${utcText(positionUtc(shape))} FROM (SELECT one.${position}) t) AS oldest
    FROM (SELECT count(*)::int AS rows, min(${position}) AS ${position} FROM w) one LEFT JOIN (SELECT * FROM w ORDER BY ${position} DESC, ${key} DESC LIMIT 1) t ON true`;
}

/**
 * The rows of a window as `key <tab> JSON` lines. The quote character is one that JSON text cannot hold
 * unescaped, so no field is ever quoted and lines need no unescaping (COPY's text format would double every backslash).
 */
export function copySql(shape: TableShape, window: Window, encoding: string): string {
  // No conversion, whatever encoding that is.
  const raw = comesAsItIs(encoding) ? '' : `, ENCODING 'SQL_ASCII'`;
  return `
  COPY (
    SELECT wire.${columnOf(shape.table.key)}, row_to_json(wire) FROM (
      SELECT ${shape.table.columns.map((column) => wireColumn(shape, column)).join(', ')}
        FROM ${shape.name} t
       WHERE ${after(shape, window.lower)} AND ${upTo(shape, window.upper)}
       ORDER BY ${positionOf(shape)}, ${orderKey(shape)}
    ) wire
  ) TO STDOUT (FORMAT csv, DELIMITER E'\\t', QUOTE E'\\x01'${raw})`;
}

/** A column as its JSON is to show it; the types left out have one text in JSON, whatever the session's settings are. */
function wireColumn(shape: TableShape, column: Column): string {
  const name = columnOf(column);
  if (column === shape.table.position) return `${utcText(positionUtc(shape))} AS ${name}`;
  switch (column.type) {
    case 'timestamptz':
      return `${utcText(`t.${name} AT TIME ZONE 'UTC'`)} AS ${name}`;
    case 'timestamp':
      return `to_char(t.${name}, 'YYYY-MM-DD"T"HH24:MI:SS.US') AS ${name}`;
    case 'date':
      return `to_char(t.${name}, 'YYYY-MM-DD') AS ${name}`;
    case 'json':
      return `t.${name}::text AS ${name}`;
    default:
      return `t.${name}`;
  }
}
