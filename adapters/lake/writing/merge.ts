/**
 * One file out of many of a date, with the same rows. DuckDB reads, sorts and writes it, with a bounded memory, so that its size is no
 * matter; what stands there is hidden until a ledger entry says that it takes the place of the others (see swap.ts).
 */
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { OwnField, Table } from '../../../domain/table/table';
import { compareWatermarks } from '../../../domain/watermark';
import type { LakeFile, LakePart, Storage } from '../../../ports';
import { quote, quoteName, readParquet, readParquetFooters, withScratchDuckDB } from '../reading';
import { dateOf, hiddenMergedPath, mergedName } from '../files';
import { fingerprintOf } from '../storage';
import { PROLEPTIC_GREGORIAN } from './parquet-writer';

export interface Merge {
  part: LakePart;
  /** Live files of one date. */
  inputs: readonly LakeFile[];
  /** The highest number among the batches that they hold rows of. */
  batch: number;
}

/** The file, hidden under its name; or those of the inputs that are not what the ledger says, with nothing written. */
export type Merged = { file: LakeFile } | { damaged: LakeFile[] };

/**
 * Same inputs, same bytes with one version of DuckDB; the name is the content's, so that other bytes have another.
 * An Error where the merged file has not as many rows as its inputs: they are changing, or it cannot be trusted.
 */
export async function writeMerged(
  storage: Storage,
  table: Table,
  { part, inputs, batch }: Merge,
  signal: AbortSignal,
): Promise<Merged> {
  const damaged = await unlike(storage, inputs, signal);
  if (damaged.length > 0) return { damaged };
  const sorted = [...inputs].sort((a, b) => (a.path < b.path ? -1 : 1));
  const directory = dateOf(sorted[0]!.path);
  return withScratchDuckDB(async (duckdb, scratch) => {
    const made = join(scratch, 'merged.parquet');
    const stop = () => duckdb.interrupt();
    signal.addEventListener('abort', stop);
    try {
      // One: it runs beside landing, and neither is in a hurry.
      await duckdb.run(`SET threads = 1; SET preserve_insertion_order = true; SET TimeZone = 'UTC'`);
      await storage.withPaths(
        sorted.map(({ path }) => path),
        async (paths) => void (await duckdb.run(copySql(table, part, paths, made))),
      );
    } finally {
      signal.removeEventListener('abort', stop);
    }
    signal.throwIfAborted();
    const rows = await rowsIn(duckdb, made);
    const expected = inputs.reduce((sum, { rows: of }) => sum + of, 0);
    if (rows !== expected)
      throw new Error(
        `${inputs.length} files of ${storage.locate(directory)} have ${expected} rows by the ledger, but ${rows} when they were merged. ` +
          'Nothing has changed; see which file it is with: npm run orders -- audit',
      );
    const { bytes, sha256 } = await fingerprintOf(made);
    const path = `${directory}/${mergedName(batch, sha256)}`;
    const put = uncommittedPath(storage, path);
    if ((await storage.fingerprint(put))?.sha256 !== sha256) await storage.putFile(put, made);
    return { file: { path, rows, bytes, sha256, ...endsOf(inputs) } };
  });
}

/** Where a merged file stands before its entry. Without renames readers go by the ledger, and see no file before it lists one. */
export function uncommittedPath(storage: Storage, path: string): string {
  return storage.renames ? hiddenMergedPath(path) : path;
}

/** A changed file must not come into one whose hash says that it is right. */
async function unlike(
  storage: Storage,
  inputs: readonly LakeFile[],
  signal: AbortSignal,
): Promise<LakeFile[]> {
  const damaged: LakeFile[] = [];
  for (const file of inputs) {
    signal.throwIfAborted();
    const found = await storage.fingerprint(file.path);
    if (found?.sha256 !== file.sha256) damaged.push(file);
  }
  return damaged;
}

function copySql(table: Table, part: LakePart, inputs: readonly string[], target: string): string {
  const own =
    part === 'lake' ? (['validation_status'] as const) : (Object.keys(table.ownFieldId) as OwnField[]);
  const ids = [
    ...table.columns.map(({ name, fieldId }) => [name, fieldId] as const),
    ...own.map((name) => [name, table.ownFieldId[name]] as const),
  ];
  const columns = ids.map(([name]) => quoteName(name));
  // As in the files of batches; rows that are equal in it come in the order of their files.
  const order = part === 'lake' ? [table.position.name, table.key.name] : ['kafka_partition', 'kafka_offset'];
  return `
    COPY (SELECT ${columns.join(', ')} FROM ${readParquet(inputs, `, filename = ${quote(FROM)}`)}
           ORDER BY ${[...order, FROM].map(quoteName).join(', ')})
      TO ${quote(target)} (
        FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 3, ROW_GROUP_SIZE ${ROW_GROUP_ROWS},
        KV_METADATA { ${quote(PROLEPTIC_GREGORIAN.key)}: ${quote(PROLEPTIC_GREGORIAN.value)} },
        FIELD_IDS { ${ids.map(([name, id]) => `${quote(name)}: ${id}`).join(', ')} })`;
}

/** The column with the path of the file that a row is from; no table has one of that name. */
const FROM = 'merged from';

/** DuckDB's own vectors fill row groups of this size evenly. */
const ROW_GROUP_ROWS = 122_880;

async function rowsIn(duckdb: DuckDBConnection, file: string): Promise<number> {
  const found = await duckdb.runAndReadAll(`SELECT num_rows::DOUBLE FROM ${readParquetFooters([file])}`);
  return Number(found.getRows()[0]?.[0]);
}

/** Of lake files, which all tell theirs. */
function endsOf(inputs: readonly LakeFile[]): Pick<LakeFile, 'first' | 'last'> {
  let { first, last } = inputs[0]!;
  for (const { first: one, last: other } of inputs) {
    if (one === undefined || other === undefined || first === undefined || last === undefined) return {};
    if (compareWatermarks(one, first) < 0) first = one;
    if (compareWatermarks(other, last) > 0) last = other;
  }
  return first === undefined ? {} : { first, last };
}
