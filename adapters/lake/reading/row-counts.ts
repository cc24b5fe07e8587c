import type { Storage } from '../../../ports';
import { readParquetFooters, withDuckDB } from './duckdb';

/** Rows by name, as the files' footers tell them to an independent reader; a file that it cannot read is left out. */
export async function readParquetRows(
  storage: Storage,
  names: readonly string[],
): Promise<Map<string, number>> {
  if (names.length === 0) return new Map();
  try {
    return await storage.withPaths(names, (paths) =>
      withDuckDB(async (duckdb) => {
        const sql = `SELECT file_name, num_rows::DOUBLE FROM ${readParquetFooters(paths)}`;
        const rows = (await duckdb.runAndReadAll(sql)).getRows();
        const nameOf = new Map(paths.map((path, at) => [path, names[at] ?? '']));
        return new Map(rows.map(([file, count]) => [nameOf.get(String(file)) ?? '', Number(count)]));
      }),
    );
  } catch {
    if (names.length === 1) return new Map();
    // One bad file fails the whole statement: find it by halves.
    const middle = Math.ceil(names.length / 2);
    const [first, second] = [names.slice(0, middle), names.slice(middle)];
    return new Map([...(await readParquetRows(storage, first)), ...(await readParquetRows(storage, second))]);
  }
}
