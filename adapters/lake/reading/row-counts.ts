import { readParquetFooters, withDuckDB } from './duckdb';

/** Rows by path, as the files' footers tell them to an independent reader; a file that it cannot read is left out. */
export async function readParquetRows(files: readonly string[]): Promise<Map<string, number>> {
  if (files.length === 0) return new Map();
  try {
    return await withDuckDB(async (duckdb) => {
      const sql = `SELECT file_name, num_rows::DOUBLE FROM ${readParquetFooters(files)}`;
      const rows = (await duckdb.runAndReadAll(sql)).getRows();
      return new Map(rows.map(([name, count]) => [String(name), Number(count)]));
    });
  } catch {
    if (files.length === 1) return new Map();
    // One bad file fails the whole statement: find it by halves.
    const middle = Math.ceil(files.length / 2);
    const [first, second] = [files.slice(0, middle), files.slice(middle)];
    return new Map([...(await readParquetRows(first)), ...(await readParquetRows(second))]);
  }
}
