import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Pool } from 'pg';
import { lastEntry, openStorage } from '../../adapters/lake/reading';
import type { Settings } from '../../configs/schema';
import { fillTable, lookAtTable } from './orders-table';
import { count, messageOf } from './print';

/** Makes and fills the table if there are no orders yet; tells what it found. Rows of others are never touched. */
export async function prepareTable(
  pool: Pool,
  settings: Settings,
): Promise<{ rows: number; filled: number; told: string[] }> {
  const { host, port, db, table } = settings.postgres;
  const { found, rows } = await lookAtTable(pool, table).catch((error: Error) => {
    throw new Error(
      `PostgreSQL at ${host}:${port}, database ${db}, user ${settings.postgres.user}: ${messageOf(error)}`,
      {
        cause: error,
      },
    );
  });
  if (found === 'with rows') {
    return { rows, filled: 0, told: [`table ${table} holds ${count(rows)} orders; they stay as they are`] };
  }
  await refuseOldLake(settings);
  const filled = await fillTable(pool, table, found);
  return {
    rows,
    filled: filled.rows,
    told: [
      `table ${table} ${found === 'absent' ? 'made' : 'was empty'}, now with ${count(filled.rows)} sample orders of ` +
        `${filled.days} days`,
      `${filled.bad} of them break a rule`,
    ],
  };
}

/** A lake that remembers orders of a database which is gone would make the new ones look like repeats. */
async function refuseOldLake({ datalake, streaming, postgres }: Settings): Promise<void> {
  const { lake, quarantine } = openStorage(datalake);
  const state = streaming.last_processed_timestamp_location;
  const last = await lastEntry(lake);
  const hasState = existsSync(join(state, 'last_processed_timestamp.txt'));
  if (last === undefined && !hasState) return;
  const old = [
    ...(last === undefined ? [] : [lake.location, quarantine.location]),
    ...(hasState ? [state] : []),
  ];
  throw new Error(
    `Table ${postgres.table} has no orders, but these are of orders that were there before:\n` +
      old.map((directory) => `  ${relative(process.cwd(), directory)}\n`).join('') +
      'Move them away or delete them, or set LAKE_PATH and STATE_PATH to new directories, then run the demo again.',
  );
}
