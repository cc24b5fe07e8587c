import type { QueryResultRow } from 'pg';
import type { Settings } from '../../configs/schema';
import { LastingFailure } from '../../model/errors';
import { COLUMNS } from '../../model/order';
import { COLUMNS_SQL, INDEX_SQL, SERVER_SQL, ZONE_MOVES_SQL, quoteTable, type TableShape } from './sql';

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
      zone_known: boolean;
    }>(SERVER_SQL, [name, settings.timezone])
  ).rows[0]!;
  const columns = (await pool.query<Column>(COLUMNS_SQL, [name])).rows;

  if (columns.length === 0) {
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
  if (!server.sees_all) {
    throw new LastingFailure(
      'InsufficientPrivilege',
      `Role "${server.role}" cannot see other roles' open transactions, so rows they commit late could be lost. ` +
        `Run: GRANT pg_read_all_stats TO "${server.role}";`,
    );
  }

  const byName = (wanted: string) => columns.find((column) => column.name === wanted)!;
  const shape: TableShape = {
    name,
    createdAtType: byName('created_at').type as TableShape['createdAtType'],
    timezone: settings.timezone,
    orderIdNullable: byName('order_id').nullable,
    indexed: (await pool.query<TableShape['indexed']>(INDEX_SQL, [name])).rows[0]!,
  };
  return { shape, warnings: await warningsFor(pool, shape) };
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
