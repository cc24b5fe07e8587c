/** Lake and quarantine hold the files that the ledger names, unchanged, and no others. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { withDuckDB } from './duckdb';
import type { Entry, RecordedFile } from './ledger';
import { liveFiles } from './live-files';
import { filesIn, literal } from './sides';

/** @param entries the whole ledger */
export async function checkFiles(lakePath: string, entries: Entry[]): Promise<string[]> {
  const { lake, quarantine, wrong } = liveFiles(entries);
  return [
    ...wrong,
    ...(await checkDirectory(lakePath, lake)),
    ...(await checkDirectory(`${lakePath}_quarantine`, quarantine)),
  ];
}

async function checkDirectory(root: string, named: RecordedFile[]): Promise<string[]> {
  const present = existsSync(root) ? readdirSync(root, { recursive: true, encoding: 'utf8' }) : [];
  const byPath = new Map(named.map((file) => [file.path, file]));
  const isTemporary = (path: string) => /\.tmp$|\.r\d{10}$|\.merged$|-merging\.parquet$|_probe_/.test(path);
  const orphans = present.filter(
    (path) => /^date=[^/]*\/[^._].*\.parquet$/.test(path) && !byPath.has(path) && !isTemporary(path),
  );
  const rows = await countRows(root);
  return [
    ...orphans.map((path) => `files: ${path} is in no ledger entry`),
    ...present.filter(isTemporary).map((path) => `files: ${path} was left behind`),
    ...named.flatMap((file) => checkFile(root, file, rows.get(file.path))),
  ];
}

/** By path below the root. */
async function countRows(root: string): Promise<Map<string, number>> {
  const files = filesIn(root).filter((path) => !path.endsWith('-merging.parquet'));
  if (files.length === 0) return new Map();
  return withDuckDB(async (duckdb) => {
    const counted = await duckdb.runAndReadAll(
      `SELECT filename, count(*)::INTEGER FROM read_parquet([${files.map(literal).join(', ')}],
         hive_partitioning = false, filename = true, union_by_name = true) GROUP BY 1`,
    );
    return new Map(counted.getRows().map(([path, count]) => [relative(root, String(path)), Number(count)]));
  });
}

function checkFile(
  root: string,
  { path, bytes, sha256, rows }: RecordedFile,
  found: number | undefined,
): string[] {
  if (!existsSync(join(root, path))) return [`files: ${path} is missing`];
  const content = readFileSync(join(root, path));
  const wrong: string[] = [];
  if (content.length !== bytes) wrong.push(`files: ${path} has ${content.length} bytes, not ${bytes}`);
  if (createHash('sha256').update(content).digest('hex') !== sha256) wrong.push(`files: ${path} was changed`);
  if (found !== rows) wrong.push(`files: ${path} has ${found ?? 'no'} rows, not ${rows}`);
  return wrong;
}
