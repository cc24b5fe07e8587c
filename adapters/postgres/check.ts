import { escapeIdentifier, type QueryResultRow } from 'pg';
import type { Settings } from '../../configs/schema';
import { NonRetryableError } from '../../domain/errors';
import { encodeSource } from '../../domain/source-id';
import { ORDERS } from '../../domain/table/orders';
import type { Table } from '../../domain/table/table';
import { tableParts } from '../../domain/table-name';
import { factsSql, RESOLVE_SQL, TYPES_SQL, type TableFacts } from './facts';
import { refuseKind } from './kinds';
import { grainMicros, precisionSql, type Precision } from './precision';
import { serverOf } from './session';
import {
  CLOSED_SCHEMA_SQL,
  ELSEWHERE_SQL,
  SERVER_SQL,
  quoteTable,
  tryToReadSql,
  type TableShape,
} from './sql';
import { wrongColumns, type Column } from './types';
import { warningsFor } from './warnings';

export interface Queries {
  query<R extends QueryResultRow>(text: string, values?: unknown[]): Promise<{ rows: R[] }>;
}

/** What was found out about the table at a moment. */
export interface Inspected {
  shape: TableShape;
  warnings: string[];
  /** See domain/source-id.ts. */
  sourceId: string;
}

/** {@link OrdersSource.check}'s work: the table's shape, and what is worth a warning. */
export async function inspectTable(
  pool: Queries,
  settings: Settings['postgres'],
  table: Table = ORDERS,
): Promise<Inspected> {
  const configured = quoteTable(settings.table);
  const place = serverOf(settings);
  const { facts, fingerprint, withSystem } = await factsOf(pool, settings, table, {
    configured,
    place,
  });
  const name = `${escapeIdentifier(facts.schema)}.${escapeIdentifier(facts.table)}`;

  const relation = escapeIdentifier(facts.table);
  await refuseKind((text, values) => pool.query(text, values), facts, { name, relation, place });
  const columns = (await pool.query<Column>(TYPES_SQL, [facts.oid])).rows;
  refuseColumns(columns, table, { name, place, timezone: settings.timezone });
  await refuseServer(pool, settings, { name, place });

  await pool.query(tryToReadSql(name));
  const precision = (await pool.query<Precision>(precisionSql(table.position.name), [name])).rows[0]!;

  const position = columns.find((column) => column.name === table.position.name)!;
  const type = position.type as TableShape['positionType'];
  const shape: TableShape = {
    table,
    name,
    positionType: type,
    timezone: settings.timezone,
    keyNullable: facts.key_nullable,
    indexed: { place: facts.place_indexed, key: facts.key_indexed },
    grainMicros: grainMicros(precision),
    withSystem,
    fingerprint,
  };
  const digits = position.typmod === -1 ? 6 : position.typmod;
  const sourceId = encodeSource({
    system: facts.system,
    databaseOid: facts.database_oid,
    tableOid: facts.oid,
    createdAt: `${type}(${digits})${type === 'timestamp' ? `@${settings.timezone}` : ''}`,
    database: facts.database,
    table: name,
    server: `${settings.host}:${settings.port}`,
  });
  return { shape, warnings: await warningsFor(pool, shape, { facts, precision }), sourceId };
}

/** The facts first and all else after them: if the table changes in between, the next look finds another fingerprint. */
async function factsOf(
  pool: Queries,
  settings: Settings['postgres'],
  table: Table,
  { configured, place }: { configured: string; place: string },
): Promise<{ facts: TableFacts; fingerprint: string; withSystem: boolean }> {
  const resolved = (await pool.query<{ oid: string | null; with_system: boolean }>(RESOLVE_SQL, [configured]))
    .rows[0]!;
  const withSystem = resolved.with_system;
  const { rows } =
    resolved.oid === null
      ? { rows: [] }
      : await pool.query<{ facts: TableFacts; fingerprint: string }>(
          `SELECT facts, md5(facts::text) AS fingerprint FROM ${factsSql(resolved.oid, table, { withSystem })} f(facts)`,
        );
  const [found] = rows;
  if (found === undefined) {
    await refuseClosedSchema(pool, settings, configured);
    const advice =
      (await advisePlace(pool, settings)) ?? 'Create it, or set postgres.table to the orders table.';
    throw new NonRetryableError(
      'SchemaMismatch',
      `Table ${configured} does not exist in ${place}. ${advice}`,
    );
  }
  return { ...found, withSystem };
}

/** A table of the name, without a schema, that the role's search_path does not lead to. */
async function advisePlace(
  pool: Queries,
  { table, user }: Settings['postgres'],
): Promise<string | undefined> {
  const [name, schema] = tableParts(table) ?? [table];
  if (schema !== undefined) return undefined;
  const { rows } = await pool.query<{ name: string }>(ELSEWHERE_SQL, [name]);
  if (rows.length === 0) return undefined;
  const names = rows.map((row) => row.name).join(', ');
  return `There is ${names}, to which the search_path of role "${user}" does not lead: set postgres.table to it, schema and all.`;
}

async function refuseClosedSchema(
  pool: Queries,
  { table }: Settings['postgres'],
  configured: string,
): Promise<void> {
  const [name, schema = null] = [...(tableParts(table) ?? [table])].reverse();
  const found = await pool.query<{ schema: string; role: string }>(CLOSED_SCHEMA_SQL, [schema, name]);
  const [closed] = found.rows;
  if (closed === undefined) return;
  throw new NonRetryableError(
    'InsufficientPrivilege',
    `Role "${closed.role}" may not use the schema of ${configured}. ` +
      `Run: GRANT USAGE ON SCHEMA ${escapeIdentifier(closed.schema)} TO "${closed.role}";`,
  );
}

function refuseColumns(
  columns: readonly Column[],
  table: Table,
  { name, place, timezone }: { name: string; place: string; timezone: string },
): void {
  const problems = wrongColumns(name, table, columns, timezone);
  if (problems.length === 0) return;
  const missing = problems.filter(({ wrong }) => wrong.endsWith(' is missing')).length;
  const mends = problems.map(({ mend }) => mend).filter((mend) => mend !== '');
  // More than half of them, and it is another table.
  const advice =
    missing > table.columns.length / 2 || mends.length === 0
      ? 'Set postgres.table to the orders table.'
      : `Run: ${mends.join(' ')}`;
  throw new NonRetryableError(
    'SchemaMismatch',
    `Table ${name} in ${place}: ${problems.map(({ wrong }) => wrong).join('; ')}. ${advice}`,
  );
}

async function refuseServer(
  pool: Queries,
  settings: Settings['postgres'],
  { name, place }: { name: string; place: string },
): Promise<void> {
  const server = (
    await pool.query<{
      standby: boolean;
      role: string;
      sees_all: boolean;
      may_read: boolean;
      rows_hidden: boolean;
      zone_known: boolean;
    }>(SERVER_SQL, [name, settings.timezone])
  ).rows[0]!;
  if (server.standby) {
    throw new NonRetryableError(
      'InvalidSettings',
      `${place} is a standby: it does not show which transactions are still open on the primary, so rows they commit ` +
        `late would be lost. Set postgres.host to the primary.`,
    );
  }
  if (!server.zone_known) {
    throw new NonRetryableError(
      'InvalidSettings',
      `postgres.timezone: PostgreSQL knows no time zone "${settings.timezone}".`,
    );
  }
  if (!server.may_read) {
    throw new NonRetryableError(
      'InsufficientPrivilege',
      `Role "${server.role}" may not read ${name}. Run: GRANT SELECT ON ${name} TO "${server.role}";`,
    );
  }
  if (server.rows_hidden) {
    throw new NonRetryableError(
      'InsufficientPrivilege',
      `Row level security hides rows of ${name} from role "${server.role}", which would be in no file. ` +
        `Run: ALTER ROLE "${server.role}" BYPASSRLS;`,
    );
  }
  if (!server.sees_all) {
    throw new NonRetryableError(
      'InsufficientPrivilege',
      `Role "${server.role}" cannot see other roles' open transactions, so rows they commit late could be lost. ` +
        `Run: GRANT pg_read_all_stats TO "${server.role}";`,
    );
  }
}
