/**
 * A replay's files take the place of those they supersede. They were written hidden, beside the old ones; from its ledger
 * entry on they are the batch's, and what is here can be repeated until it is done, by whoever opens the lake next, too.
 */
import { rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { LakeFile, LedgerEntry } from '../../activities/interfaces';
import { codeOf, syncFolder } from './durable-file';
import { removeFenced } from './epoch';
import { hiddenName, isHidden, type LakeFolders } from './layout';
import { allParts, dateFolders, namesIn } from './part-files';

export type Superseding = Pick<LedgerEntry, 'sequence' | 'supersedes' | 'files' | 'quarantineFiles'>;

/** Only for the ledger's last entry, as the owner of the epoch. Does nothing for an entry that supersedes nothing. */
export async function completeReplay(folders: LakeFolders, epoch: number, entry: Superseding): Promise<void> {
  const { supersedes: batch, sequence } = entry;
  if (batch === undefined) return;
  for (const [root, files] of [
    [folders.lake, entry.files],
    [folders.quarantine, entry.quarantineFiles],
  ] as const) {
    for (const { path } of files) await show(root, path, sequence);
    const kept = new Set(files.map(({ path }) => path));
    for (const part of await allParts(root)) {
      if (part.sequence === batch && !kept.has(part.path))
        await removeFenced(join(root, part.path), root, epoch);
    }
  }
}

/** Removes the hidden files that no entry made visible. */
export async function removeHidden(root: string, epoch: number): Promise<string[]> {
  const removed: string[] = [];
  for (const date of await dateFolders(root)) {
    for (const name of (await namesIn(join(root, date))).filter(isHidden)) {
      await removeFenced(join(root, date, name), root, epoch);
      removed.push(join(root, date, name));
    }
  }
  return removed;
}

/** rename() replaces the old file in one step: a reader has the one or the other. */
async function show(root: string, path: LakeFile['path'], sequence: number): Promise<void> {
  const [folder, name] = path.split('/') as [string, string];
  try {
    await rename(join(root, folder, hiddenName(name, sequence)), join(root, path));
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    await stat(join(root, path)); // an earlier attempt has done it; if not, this says what is missing
  }
  await syncFolder(join(root, folder));
}
