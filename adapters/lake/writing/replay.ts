/**
 * A replay's files take the place of those they supersede. They were written hidden, beside the old ones; from its ledger
 * entry on they are the batch's, and what is here can be repeated until it is done, by whoever opens the lake next, too.
 */
import type { Attempt, LakeFile, LakeStorage, LedgerEntry, Storage, StorageWriter } from '../../../ports';
import { asideName, type DamagedFile } from '../../../domain/damaged';
import { hiddenName } from '../files';
import { type LakeLog, missingFile, onlyBatch } from '../ledger';
import { removeOthers } from './cleanup';

export type Superseding = Pick<LedgerEntry, 'sequence' | 'supersedes' | 'files' | 'quarantineFiles'>;

/**
 * Only for the ledger's last entry. Does nothing for an entry that supersedes nothing. Returns the
 * files that are neither here nor there: somebody has removed them since.
 */
export async function completeReplay(
  storage: LakeStorage,
  log: LakeLog,
  attempt: Attempt,
  entry: Superseding,
): Promise<DamagedFile[]> {
  const { supersedes: batch, sequence } = entry;
  const missing: DamagedFile[] = [];
  if (batch === undefined) return missing;
  for (const [kind, files] of [
    ['lake', entry.files],
    ['quarantine', entry.quarantineFiles],
  ] as const) {
    for (const file of files) {
      const shown = await show(storage[kind], attempt.writer(kind), file.path, sequence);
      if (!shown) missing.push(missingFile(storage[kind], file, batch));
    }
    // A merged file is named after one of its batches, and stays.
    const { [kind]: live } = await log.state(sequence);
    const merged = [...live.values()].flatMap((date) =>
      [...date.values()].filter((file) => onlyBatch(file) === undefined),
    );
    await removeOthers(storage[kind], attempt.writer(kind), batch, [...files, ...merged]);
  }
  return missing;
}

/** Replaces the old file in one step: a reader has the one or the other. Whether there is one. */
async function show(
  storage: Storage,
  writer: StorageWriter,
  path: LakeFile['path'],
  sequence: number,
): Promise<boolean> {
  // Without renames it was written under its name, and the entry shows it.
  if (!storage.renames) return (await storage.head(path)) !== undefined;
  const [directory, name] = path.split('/') as [string, string];
  // A directory that somebody has put in its place is replaced by no file.
  if ((await storage.head(path))?.isFile === false)
    await storage.move(path, `${directory}/${asideName(`${name}.${sequence}`)}`);
  const shown = await writer.move(`${directory}/${hiddenName(name, sequence)}`, path);
  // An earlier attempt has done it, or else somebody has removed it since.
  return shown || (await storage.head(path)) !== undefined;
}
