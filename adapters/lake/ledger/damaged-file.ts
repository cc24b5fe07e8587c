import type { LiveFile, Storage } from '../../../ports';
import type { DamagedFile } from '../../../domain/damaged';
import { sequenceOfPart } from '../files';
import { onlyBatch } from './log-state';

/** What is told of a file that counts and is not as listed: what stands there, nothing, or other bytes of the same size. */
export function damagedFile(
  storage: Storage,
  live: LiveFile,
  found: { bytes: number; isFile: boolean } | 'other bytes' | undefined,
): DamagedFile {
  const { path, bytes, sha256, batches } = live;
  const name = sequenceOfPart(path.slice(path.indexOf('/') + 1)) ?? live.entry;
  const damaged = {
    file: storage.locate(path),
    batch: onlyBatch(live) ?? name,
    problem: problemOf(bytes, found),
    listed: { bytes, sha256 },
  };
  return onlyBatch(live) === undefined ? { ...damaged, batches } : damaged;
}

function problemOf(bytes: number, found: Parameters<typeof damagedFile>[2]): string {
  if (found === undefined) return 'is missing';
  if (found === 'other bytes') return 'has other contents than the ledger says (SHA-256): it was changed';
  const is = found.isFile ? `has ${found.bytes} bytes` : 'is no file';
  return `${is}, the ledger says ${bytes} bytes: it was changed`;
}
