import type { LakeStorage, LedgerEntry, Storage, StorageWriter } from '../../../ports';
import { allParts, dateDirectories, isHidden, isMarker, sequenceOfPart } from '../files';
import { isTemporary, LEDGER_DIRECTORY } from '../storage';

/**
 * Removes what attempts left behind: temporary files, and part files of the batch after the ledger's last entry.
 * Everything else stays, above all files of others. Call only as the owner of the newest epoch, with no batch in flight.
 *
 * One batch is in flight at a time, so nothing can be further ahead than last + 1: a lake with such a file is refused before
 * (shortened.ts), because its ledger has lost entries and this would empty it.
 *
 * Without renames nobody sees what no entry lists, and nothing is removed here.
 */
export async function cleanUp(
  storage: LakeStorage,
  epoch: number,
  last: LedgerEntry | undefined,
): Promise<string[]> {
  const removed: string[] = [];
  if (!storage.lake.renames) return removed;
  for (const [kind, committed] of [
    ['lake', last?.files],
    ['quarantine', last?.quarantineFiles],
  ] as const) {
    const files = storage[kind];
    const writer = storage.writer(kind, epoch);
    for (const name of await leftBehind(files, last, committed)) {
      await writer.remove(name);
      removed.push(files.locate(name));
    }
  }
  return removed;
}

/**
 * Removes the part files of a batch except those given: what another attempt wrote, or what a replay supersedes. It looks into
 * every directory, so not in normal flow. Without renames it leaves them, as {@link cleanUp} does.
 */
export async function removeOthers(
  storage: Storage,
  writer: StorageWriter,
  sequence: number,
  written: readonly { path: string }[],
): Promise<void> {
  if (!storage.renames) return;
  const kept = new Set(written.map(({ path }) => path));
  for (const part of await allParts(storage)) {
    if (part.sequence === sequence && !kept.has(part.path)) await writer.remove(part.path);
  }
}

/** The names of such files; each directory is listed once. */
async function leftBehind(
  storage: Storage,
  last: LedgerEntry | undefined,
  committed: LedgerEntry['files'] = [],
): Promise<string[]> {
  const newest = last?.sequence ?? 0;
  const listed = new Set(committed.map((file) => file.path));
  // Of the last batch only what its entry lists: the rest is of an attempt with other ranges.
  const isOrphan = (path: string, sequence: number | undefined) =>
    sequence === newest + 1 || (sequence === newest && !listed.has(path));
  // Temporary are those of version 0.1.0, which wrote them beside their targets, and of probes.
  const found = (await storage.list('')).filter(isTemporary);
  const inLedger = (await storage.list(LEDGER_DIRECTORY)).filter(isTemporary);
  found.push(...inLedger.map((name) => `${LEDGER_DIRECTORY}/${name}`));
  for (const date of await dateDirectories(storage)) {
    for (const name of await storage.list(date)) {
      const path = `${date}/${name}`;
      // A hidden file is one that no entry made visible; of a merge that is complete no marker stays.
      if (isTemporary(name) || isHidden(name) || isMarker(name) || isOrphan(path, sequenceOfPart(name)))
        found.push(path);
    }
  }
  return found;
}
