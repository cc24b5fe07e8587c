/**
 * A merged file takes the place of its inputs, in a directory that others list and read at any time. They may get an error meanwhile, and
 * list again; they never count a row twice or not at all:
 *
 * 1. A marker appears, a file that is no Parquet. Whoever lists the directory from now on fails at it.
 * 2. A pause, in which listings that began before it end. A listing is no single moment: a large directory is read in pieces, and
 *    pyarrow looks at each name afterwards and leaves out, without a word, what is gone.
 * 3. The inputs go, all of them, and then the merged file gets its name.
 * 4. A pause, in which listings end that began during 3.
 * 5. The marker goes.
 *
 * The marker has a name of its own: under the merged file's a slow reader could list it with the inputs, and open it as the merged file.
 * Each step may be repeated; from the merge's ledger entry on all is done again until it is complete, by whoever opens the lake next, too.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { DamagedFile } from '../../../domain/damaged';
import type { Attempt, LakeFile, LakeStorage, LedgerEntry, Storage, StorageWriter } from '../../../ports';
import { dateOf, hiddenMergedPath, markerPath, sequenceOfPath } from '../files';
import { missingFile } from '../ledger';

export type MergeEntry = Pick<LedgerEntry, 'merged' | 'files' | 'quarantineFiles'>;

/**
 * Only for the ledger's last entry. Does nothing for one that is no merge, and where nothing is renamed: there readers go by the ledger.
 * Returns the merged file where somebody has removed it: then its inputs stay, where they still are.
 */
export async function completeMerge(
  storage: LakeStorage,
  attempt: Attempt,
  { merged, files, quarantineFiles }: MergeEntry,
): Promise<DamagedFile[]> {
  const part = files.length > 0 ? 'lake' : 'quarantine';
  const [file] = [...files, ...quarantineFiles];
  const root = storage[part];
  if (merged === undefined || file === undefined || !root.renames) return [];
  const writer = attempt.writer(part);
  const directory = dateOf(file.path);
  const [hidden, marker] = [hiddenMergedPath(file.path), markerPath(file.path)];
  if (!(await isThere(root, file))) {
    if ((await root.head(hidden)) === undefined)
      return [missingFile(root, file, sequenceOfPath(file.path) ?? 0)];
    await writer.put(marker, MARKER);
    await untilListed(root, directory);
    await removeAll(writer, merged.inputs);
    await writer.move(hidden, file.path);
  }
  await writer.remove(hidden);
  if ((await root.head(marker)) === undefined) return [];
  await untilListed(root, directory);
  await writer.remove(marker);
  return [];
}

/** For people who open it. Not empty: Spark skips a file of no bytes. */
const MARKER = Buffer.from(
  'Files of this directory are being merged, which takes a second: list it again. If this file stays, landing was ended meanwhile; ' +
    'its start completes the merge: npm run orders -- start\n',
);

/** pyarrow needs some 5 ms for 300 files; its process may have to wait for a core. */
const LEAST_PAUSE_MS = 200;
/** As often as long as a listing of our own: others' look at each file besides, which takes three times as long. */
const LISTINGS = 20;

/** Until whoever began to list the directory before now has surely done it. */
async function untilListed(root: Storage, directory: string): Promise<void> {
  const begun = performance.now();
  await root.list(directory);
  await sleep(Math.max(LEAST_PAUSE_MS, LISTINGS * (performance.now() - begun)));
}

/** Files removed together; each takes a few steps of the system. */
const AT_ONCE = 32;

async function removeAll(writer: StorageWriter, names: readonly string[]): Promise<void> {
  for (let at = 0; at < names.length; at += AT_ONCE) {
    const outcomes = await Promise.allSettled(
      names.slice(at, at + AT_ONCE).map((name) => writer.remove(name)),
    );
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  }
}

async function isThere(root: Storage, { path, bytes }: LakeFile): Promise<boolean> {
  const found = await root.head(path);
  return found?.isFile === true && found.bytes === bytes;
}
