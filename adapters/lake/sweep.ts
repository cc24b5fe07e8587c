import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { LedgerEntry } from '../../activities/interfaces';
import { LastingFailure } from '../../model/errors';
import type { LakeFolders } from './layout';
import { isTemporary } from './layout';
import { allParts, dateFolders, namesIn } from './part-files';

/**
 * Removes what attempts left behind: temporary files, and part files of the batch after the ledger's last entry.
 * Everything else stays, above all files of strangers. Call only when no batch is in flight.
 *
 * One batch is in flight at a time, so nothing can be further ahead than last + 1. A file that is tells of a ledger
 * that lost entries; to remove it could empty a whole lake, so that is refused with LandingConflict.
 */
export async function sweep(folders: LakeFolders, last: LedgerEntry | undefined): Promise<string[]> {
  const doomed = [
    ...(await temporaries(folders)),
    ...(await leftovers(folders.lake, last, last?.files)),
    ...(await leftovers(folders.quarantine, last, last?.quarantineFiles)),
  ];
  for (const path of doomed) await rm(path, { force: true });
  return doomed;
}

async function temporaries({ lake, quarantine, ledger }: LakeFolders): Promise<string[]> {
  const folders = [lake, quarantine, ledger];
  for (const root of [lake, quarantine])
    for (const date of await dateFolders(root)) folders.push(join(root, date));
  const found: string[] = [];
  for (const folder of folders) {
    for (const name of await namesIn(folder)) if (isTemporary(name)) found.push(join(folder, name));
  }
  return found;
}

async function leftovers(
  root: string,
  last: LedgerEntry | undefined,
  committed: LedgerEntry['files'] = [],
): Promise<string[]> {
  const sequence = last?.sequence ?? 0;
  const listed = new Set(committed.map((file) => file.path));
  const found: string[] = [];
  for (const part of await allParts(root)) {
    if (part.sequence > sequence + 1) {
      throw new LastingFailure(
        'LandingConflict',
        `${join(root, part.path)} is of batch ${part.sequence}, but the ledger ends with ${sequence}. ` +
          'Its newer entries are lost, or another landing is at work: restore _ledger, or move the files away.',
      );
    }
    // Of the last batch only what its entry lists: the rest is of an attempt with other ranges.
    if (part.sequence === sequence + 1 || (part.sequence === sequence && !listed.has(part.path))) {
      found.push(join(root, part.path));
    }
  }
  return found;
}
