import { escapeIdentifier, type QueryResultRow } from 'pg';
import type { Settings } from '../../configs/schema';
import { LastingFailure } from '../../model/errors';
import { COLUMNS } from '../../model/order';
import { grainMicros, PRECISION_SQL, strangeDefaults, type Precision } from './precision';
import {
  CLOSED_SCHEMA_SQL,
  COLUMNS_SQL,
  INDEX_SQL,
  SERVER_SQL,
  ZONE_MOVES_SQL,
  quoteTable,
  tryToReadSql,
  type TableShape,
} from './sql';

interface Queries {
  query<R extends QueryResultRow>(text: string, values?: unknown[]): Promise<{ rows: R[] }>;
}

interface Column {
  name: string;
  type: string;
  category: string;
  nullable: boolean;
}

const isText = ({ category }: Column) => category === 'S' || category === 'E';

/** What each column may be; everything else would reach the lake changed. */
const ALLOWED: Record<(typeof COLUMNS)[number], { is: (column: Column) => boolean; words: string }> = {
  order_id: { is: ({ type }) => ['int2', 'int4', 'int8'].includes(type), words: 'bigint or integer' },
  customer_name: { is: isText, words: 'text' },
  restaurant_name: { is: isText, words: 'text' },
  item: { is: isText, words: 'text' },
  amount: { is: ({ type }) => type === 'numeric', words: 'numeric(10,2)' },
  order_status: { is: isText, words: 'text' },
  created_at: {
    is: ({ type }) => type === 'timestamp' || type === 'timestamptz',
    words: 'timestamp or timestamptz',
  },
};

/** {@link OrdersSource.check}'s work: the table's shape, and what is worth a warning. */
export async function inspectTable(
  pool: Queries,
  settings: Settings['postgres'],
): Promise<{ shape: TableShape; warnings: string[] }> {
  const name = quoteTable(settings.table);
  const place = `${settings.host}:${settings.port}/${settings.db}`;
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
  const columns = (await pool.query<Column>(COLUMNS_SQL, [name])).rows;

  if (columns.length === 0) {
    const [table, schema = null] = settings.table.split('.').reverse();
    const [closed] = (await pool.query<{ schema: string; role: string }>(CLOSED_SCHEMA_SQL, [schema, table]))
      .rows;
    if (closed !== undefined)
      throw new LastingFailure(
        'InsufficientPrivilege',
        `Role "${closed.role}" may not use the schema of ${name}. ` +
          `Run: GRANT USAGE ON SCHEMA ${escapeIdentifier(closed.schema)} TO "${closed.role}";`,
      );
    throw new LastingFailure(
      'SchemaMismatch',
      `Table ${name} does not exist in ${place}. Create it, or set postgres.table to the orders table.`,
    );
  }
  const wrong = COLUMNS.flatMap((wanted) => {
    const column = columns.find((candidate) => candidate.name === wanted);
    if (column === undefined) return [`${wanted} is missing`];
    return ALLOWED[wanted].is(column)
      ? []
      : [`${wanted} is ${column.type}, must be ${ALLOWED[wanted].words}`];
  });
  if (wrong.length > 0) {
    throw new LastingFailure('SchemaMismatch', `Table ${name} in ${place}: ${wrong.join('; ')}.`);
  }
  if (server.standby) {
    throw new LastingFailure(
      'InvalidSettings',
      `${place} is a standby: it does not show which transactions are still open on the primary, so rows they commit ` +
        `late would be lost. Set postgres.host to the primary.`,
    );
  }
  if (!server.zone_known) {
    throw new LastingFailure(
      'InvalidSettings',
      `postgres.timezone: PostgreSQL knows no time zone "${settings.timezone}".`,
    );
  }
  if (!server.may_read) {
    throw new LastingFailure(
      'InsufficientPrivilege',
      `Role "${server.role}" may not read ${name}. Run: GRANT SELECT ON ${name} TO "${server.role}";`,
    );
  }
  if (server.rows_hidden) {
    throw new LastingFailure(
      'InsufficientPrivilege',
      `Row level security hides rows of ${name} from role "${server.role}", which would be in no file. ` +
        `Run: ALTER ROLE "${server.role}" BYPASSRLS;`,
    );
  }
  if (!server.sees_all) {
    throw new LastingFailure(
      'InsufficientPrivilege',
      `Role "${server.role}" cannot see other roles' open transactions, so rows they commit late could be lost. ` +
        `Run: GRANT pg_read_all_stats TO "${server.role}";`,
    );
  }

  await pool.query(tryToReadSql(name));
  const byName = (wanted: string) => columns.find((column) => column.name === wanted)!;
  const precision = (await pool.query<Precision>(PRECISION_SQL, [name])).rows[0]!;
  const shape: TableShape = {
    name,
    createdAtType: byName('created_at').type as TableShape['createdAtType'],
    timezone: settings.timezone,
    orderIdNullable: byName('order_id').nullable,
    indexed: (await pool.query<TableShape['indexed']>(INDEX_SQL, [name])).rows[0]!,
    grainMicros: grainMicros(precision),
  };
  const warnings = [...(await warningsFor(pool, shape)), ...precisionWarnings(shape, precision)];
  return { shape, warnings };
}

async function warningsFor(pool: Queries, shape: TableShape): Promise<string[]> {
  const warnings: string[] = [];
  if (!shape.indexed.orderId) {
    warnings.push(
      `${shape.name} has no index on order_id: rows that capture does not reach, as a client set their created_at to the ` +
        `past, are noticed only while the whole table can be read within 2 s. Run: CREATE UNIQUE INDEX CONCURRENTLY ON ${shape.name} (order_id);`,
    );
  }
  if (!shape.indexed.place) {
    warnings.push(
      `${shape.name} has no index on (created_at, order_id): every poll reads the whole table. ` +
        `Run: CREATE INDEX CONCURRENTLY ON ${shape.name} (created_at, order_id);`,
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
  return warnings;
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
