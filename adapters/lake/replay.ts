/**
 * A replay's files take the place of those they supersede. They were written hidden, beside the old ones; from its ledger
 * entry on they are the batch's, and what is here can be repeated until it is done, by whoever opens the lake next, too.
 */
import { rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { LakeFile, LedgerEntry } from '../../activities/interfaces';
import { codeOf, syncFolder } from './durable-file';
import { hiddenName, type LakeFolders } from './layout';
import { removeOthers } from './sweep';

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
    await removeOthers(root, { sequence: batch, epoch }, files);
  }
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
