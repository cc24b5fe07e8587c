/** DuckDB, for reading Parquet: one in this process, in memory, and one on disk for work that may need much room. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { DuckDBInstance } from '@duckdb/node-api';

/** Room for a join of a million order ids; the worker's own memory must stay free for batches. */
const MEMORY_LIMIT = '512MB';

/** It must not reach for the network; Parquet is built in. */
const OFFLINE = { autoinstall_known_extensions: 'false', autoload_known_extensions: 'false' };

let instance: Promise<DuckDBInstance> | undefined;

/** Runs `use` with a connection of its own, closed afterwards. Its temporary tables go with it. */
export async function withDuckDB<T>(use: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
  instance ??= DuckDBInstance.create(':memory:', {
    memory_limit: MEMORY_LIMIT,
    // One, because lookups run beside the fetch and the encoding, which want the other cores.
    threads: '1',
    // It would make a directory `.tmp` in the working directory.
    temp_directory: '',
    ...OFFLINE,
  });
  const opening = instance;
  const opened = await opening.catch((error: unknown) => {
    if (instance === opening) instance = undefined;
    throw error;
  });
  const connection = await opened.connect();
  try {
    return await use(connection);
  } finally {
    connection.closeSync();
  }
}

/**
 * Runs `use` with a database of its own in a temporary directory: its tables go to disk beyond the memory limit, and the
 * directory is removed afterwards.
 */
export async function withScratchDuckDB<T>(
  use: (connection: DuckDBConnection, directory: string) => Promise<T>,
): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'orders-scratch-'));
  try {
    const scratch = await DuckDBInstance.create(join(directory, 'scratch.duckdb'), {
      memory_limit: MEMORY_LIMIT,
      threads: '2',
      temp_directory: directory,
      preserve_insertion_order: 'false',
      ...OFFLINE,
    });
    try {
      const connection = await scratch.connect();
      try {
        return await use(connection, directory);
      } finally {
        connection.closeSync();
      }
    } finally {
      scratch.closeSync();
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Of a file, from the path in the column `filename`: the day of its directory, and the batch in its name with leading zeros. */
export const DATE_SQL = `regexp_extract(filename, '.*date=([0-9-]{10})/', 1)`;
export const BATCH_SQL = `regexp_extract(filename, 'part-(\\d{10})-[0-9a-f]+\\.parquet$', 1)`;

/** An instant as 27 characters. By way of a number: DuckDB's own text of a TIMESTAMPTZ depends on the session's time zone. */
export function timestampText(expression: string): string {
  return `strftime(make_timestamp(epoch_us(${expression})), '%Y-%m-%dT%H:%M:%S.%fZ')`;
}

/** A string literal. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A name of a column. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** `read_parquet` of exactly these files: a path may hold what DuckDB would take for a pattern. At least one file. */
export function readParquet(files: readonly string[], options = ''): string {
  // hive_partitioning would add a column for every `name=value` directory above the lake, too.
  return `read_parquet(${listOf(files)}, hive_partitioning = false${options})`;
}

/** One row a file: `file_name`, `num_rows`, … Throws where one of them is no Parquet file. */
export function readParquetFooters(files: readonly string[]): string {
  return `parquet_file_metadata(${listOf(files)})`;
}

function listOf(files: readonly string[]): string {
  return `[${files.map((file) => quote(file.replace(/[[*?]/g, '[$&]'))).join(', ')}]`;
}
