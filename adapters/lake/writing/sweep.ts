import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { BatchIdentity, LedgerEntry } from '../../../ports';
import { removeFenced } from '../ledger';
import {
  type LakeFolders,
  isHidden,
  isTemporary,
  LEDGER_FOLDER,
  sequenceOfTemporary,
  stagingOf,
  allParts,
  dateFolders,
  namesIn,
} from '../files';

/**
 * Removes what attempts left behind: temporary files, and part files of the batch after the ledger's last entry.
 * Everything else stays, above all files of strangers. Call only as the owner of the newest epoch, with no batch in flight.
 *
 * One batch is in flight at a time, so nothing can be further ahead than last + 1: a lake with such a file is refused before
 * (shortened.ts), because its ledger has lost entries and this would empty it.
 */
export async function sweep(
  folders: LakeFolders,
  epoch: number,
  last: LedgerEntry | undefined,
): Promise<string[]> {
  const removed: string[] = [];
  for (const [root, committed] of [
    [folders.lake, last?.files],
    [folders.quarantine, last?.quarantineFiles],
  ] as const) {
    removed.push(...(await removeHidden(folders, root, epoch)));
    const doomed = [...(await temporaries(root)), ...(await leftovers(root, last, committed))];
    for (const path of doomed) await removeFenced(path, folders, root, epoch);
    removed.push(...doomed);
  }
  return removed;
}

/**
 * Removes the part files of a batch except those given: what another attempt wrote, or what a replay supersedes. It looks into
 * every folder, so not in normal flow.
 */
export async function removeOthers(
  folders: LakeFolders,
  root: string,
  { sequence, epoch }: { sequence: number; epoch: number },
  written: readonly { path: string }[],
): Promise<void> {
  const kept = new Set(written.map(({ path }) => path));
  for (const part of await allParts(root)) {
    if (part.sequence === sequence && !kept.has(part.path))
      await removeFenced(join(root, part.path), folders, root, epoch);
  }
}

/** Removes what attempts of committed batches have half written: an attempt that comes to it later cannot finish it. */
export async function clearStaging(
  { lake, quarantine }: LakeFolders,
  { sequence, epoch }: Pick<BatchIdentity, 'sequence'> & { epoch: number },
): Promise<void> {
  for (const root of [lake, quarantine]) {
    const staging = stagingOf(root, epoch);
    for (const name of await namesIn(staging)) {
      if ((sequenceOfTemporary(name) ?? sequence + 1) <= sequence)
        await rm(join(staging, name), { force: true });
    }
  }
}

/** Removes the hidden files that no entry made visible. */
async function removeHidden(folders: LakeFolders, root: string, epoch: number): Promise<string[]> {
  const removed: string[] = [];
  for (const date of await dateFolders(root)) {
    for (const name of (await namesIn(join(root, date))).filter(isHidden)) {
      await removeFenced(join(root, date, name), folders, root, epoch);
      removed.push(join(root, date, name));
    }
  }
  return removed;
}

/** Those of version 0.1.0, which wrote them beside their targets, and of probes. */
async function temporaries(root: string): Promise<string[]> {
  const folders = [root, join(root, LEDGER_FOLDER)];
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
    // Of the last batch only what its entry lists: the rest is of an attempt with other ranges.
    if (part.sequence === sequence + 1 || (part.sequence === sequence && !listed.has(part.path))) {
      found.push(join(root, part.path));
    }
  }
  return found;
}
