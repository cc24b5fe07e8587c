/**
 * A replay's files take the place of those they supersede. They were written hidden, beside the old ones; from its ledger
 * entry on they are the batch's, and what is here can be repeated until it is done, by whoever opens the lake next, too.
 */
import { rename, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { LakeFile, LedgerEntry } from '../../../ports';
import { asideName, type DamagedFile } from '../../../domain/damaged';
import { codeOf, syncFolder, hiddenName, type LakeFolders } from '../files';
import { removeOthers } from './sweep';

export type Superseding = Pick<LedgerEntry, 'sequence' | 'supersedes' | 'files' | 'quarantineFiles'>;

/**
 * Only for the ledger's last entry, as the owner of the epoch. Does nothing for an entry that supersedes nothing. Returns the
 * files that are neither here nor there: somebody has removed them since.
 */
export async function completeReplay(
  folders: LakeFolders,
  epoch: number,
  entry: Superseding,
): Promise<DamagedFile[]> {
  const { supersedes: batch, sequence } = entry;
  const missing: DamagedFile[] = [];
  if (batch === undefined) return missing;
  for (const [root, files] of [
    [folders.lake, entry.files],
    [folders.quarantine, entry.quarantineFiles],
  ] as const) {
    for (const { path, bytes, sha256 } of files) {
      if (await show(root, path, sequence)) continue;
      missing.push({ file: resolve(root, path), batch, problem: 'is missing', listed: { bytes, sha256 } });
    }
    await removeOthers(folders, root, { sequence: batch, epoch }, files);
  }
  return missing;
}

/** rename() replaces the old file in one step: a reader has the one or the other. Whether there is one. */
async function show(root: string, path: LakeFile['path'], sequence: number): Promise<boolean> {
  const [folder, name] = path.split('/') as [string, string];
  const show = () => rename(join(root, folder, hiddenName(name, sequence)), join(root, path));
  try {
    await show().catch(async (error: unknown) => {
      if (codeOf(error) !== 'EISDIR') throw error;
      // Somebody has put a folder in its place, which no file can replace.
      await rename(join(root, path), join(root, folder, asideName(`${name}.${sequence}`)));
      await show();
    });
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    // An earlier attempt has done it, or else somebody has removed it since.
    if (!(await isThere(join(root, path)))) return false;
  }
  await syncFolder(join(root, folder));
  return true;
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: unknown) => {
      if (codeOf(error) === 'ENOENT') return false;
      throw error;
    },
  );
}
