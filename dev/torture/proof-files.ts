/** Lake and quarantine hold the files that the ledger names, unchanged, and no others. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { LakeFile } from '../../ports';
import { queryLake } from '../../adapters/lake/reading';
import type { Entry } from './proof-ledger';

export async function proveFiles(lakePath: string, entries: Entry[]): Promise<string[]> {
  // A replay's files stand for those of the batch that it supersedes.
  const effective = new Map(entries.map(({ entry }) => [entry.supersedes ?? entry.sequence, entry]));
  const files = [...effective.values()].flatMap((entry) => entry.files);
  const quarantineFiles = [...effective.values()].flatMap((entry) => entry.quarantineFiles);
  return [
    ...(await proveFolder(lakePath, lakePath, files, false)),
    ...(await proveFolder(`${lakePath}_quarantine`, lakePath, quarantineFiles, true)),
  ];
}

async function proveFolder(
  root: string,
  lakePath: string,
  named: LakeFile[],
  quarantine: boolean,
): Promise<string[]> {
  const present = existsSync(root) ? readdirSync(root, { recursive: true, encoding: 'utf8' }) : [];
  const byPath = new Map(named.map((file) => [file.path, file]));
  const isTemporary = (path: string) => /\.tmp$|\.r\d{10}$|_probe_/.test(path);
  const strangers = present.filter(
    (path) => /^date=[^/]*\/[^._].*\.parquet$/.test(path) && !byPath.has(path) && !isTemporary(path),
  );
  const counted = await queryLake(lakePath, 'SELECT filename, count(*)::INTEGER FROM files GROUP BY 1', {
    quarantine,
  });
  const rows = new Map(counted.map(([path, count]) => [relative(root, String(path)), Number(count)]));
  return [
    ...strangers.map((path) => `files: ${path} is in no ledger entry`),
    ...present.filter(isTemporary).map((path) => `files: ${path} was left behind`),
    ...named.flatMap((file) => proveFile(root, file, rows.get(file.path))),
  ];
}

function proveFile(
  root: string,
  { path, bytes, sha256, rows }: LakeFile,
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
