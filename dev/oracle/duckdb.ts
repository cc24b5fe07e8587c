import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';

/** Runs `work` with a database in memory, which ends with it. */
export async function withDuckDB<T>(work: (duckdb: DuckDBConnection) => Promise<T>): Promise<T> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '2', memory_limit: '1GB' });
  const duckdb = await instance.connect();
  try {
    return await work(duckdb);
  } finally {
    duckdb.closeSync();
    instance.closeSync();
  }
}
