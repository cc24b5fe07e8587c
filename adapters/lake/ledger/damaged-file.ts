import type { LakeFile, LiveFile, Storage } from '../../../ports';
import type { DamagedFile } from '../../../domain/damaged';
import { sequenceOfPath } from '../files';
import { onlyBatch } from './log-state';

/** What is told of a file that counts and is not as listed: what stands there, nothing, or other bytes of the same size. */
export function damagedFile(
  storage: Storage,
  live: LiveFile,
  found: { bytes: number; isFile: boolean } | 'other bytes' | undefined,
): DamagedFile {
  const { path, bytes, entry, batches } = live;
  const batch = onlyBatch(live);
  const damaged = told(storage, live, batch ?? sequenceOfPath(path) ?? entry, problemOf(bytes, found));
  return batch === undefined ? { ...damaged, batches } : damaged;
}

/** The same of a file that an entry lists, and that nobody can show any more. */
export function missingFile(storage: Storage, file: LakeFile, batch: number): DamagedFile {
  return told(storage, file, batch, MISSING);
}

function told(
  storage: Storage,
  { path, bytes, sha256 }: LakeFile,
  batch: number,
  problem: string,
): DamagedFile {
  return { file: storage.locate(path), batch, problem, listed: { bytes, sha256 } };
}

const MISSING = 'is missing';

function problemOf(bytes: number, found: Parameters<typeof damagedFile>[2]): string {
  if (found === undefined) return MISSING;
  if (found === 'other bytes') return 'has other contents than the ledger says (SHA-256): it was changed';
  const is = found.isFile ? `has ${found.bytes} bytes` : 'is no file';
  return `${is}, the ledger says ${bytes} bytes: it was changed`;
}
