/** A ledger that has lost entries: noticed before anything is removed or landed, because what it listed may be gone from Kafka. */
import { join } from 'node:path';
import { rename } from 'node:fs/promises';
import type { LedgerEntry } from '../../../ports';
import { LastingFailure } from '../../../domain/errors';
import { BEGIN_ANEW } from '../../../domain/new-lake';
import { formatOffsets, type Offsets } from '../../../domain/ranges';
import { makeFolder, syncFolder, ASIDE_FOLDER, type LakeFolders, allParts } from '../files';
import { whatIsThere, newestPart } from './identity';
import { knownBeginning } from './ledger';

/**
 * Two things outlive a lost ledger: the consumer group's offsets in Kafka, which are set after each entry, and the files of the
 * batches. LastingFailure LakeMismatch where one of them is ahead of the ledger.
 */
export async function refuseShortened(
  folders: LakeFolders,
  last: LedgerEntry | undefined,
  landed: Offsets,
): Promise<void> {
  const why = await shortened(folders, last, landed);
  if (why !== undefined) throw new LastingFailure('LakeMismatch', why);
}

/** Says what is wrong, or nothing. Reads only. */
export async function shortened(
  folders: LakeFolders,
  last: LedgerEntry | undefined,
  landed: Offsets,
): Promise<string | undefined> {
  const reached = last?.reached ?? (await knownBeginning(folders.ledger))?.begin ?? {};
  const beyond = Object.entries(landed).filter(([p, offset]) => BigInt(offset) > BigInt(reached[p] ?? '0'));
  const newest = await newestPart(folders);
  const ahead = newest > (last?.sequence ?? 0) + 1;
  if (beyond.length === 0 && !ahead) return undefined;
  const landedTo =
    beyond.length === 0
      ? `there are files of batch ${newest}`
      : `the consumer group in Kafka says that the offsets below ${formatOffsets(Object.fromEntries(beyond))} have landed`;
  return (
    `${await whatIsThere(folders)}, but ${landedTo}. Was the lake moved or emptied, has it lost its newest entries, was an older ` +
    'copy put there, or is its disk not mounted? Put it back as it was, or set datalake.path (LAKE_PATH) to where it is and restart ' +
    'the workers; then start the landing: npm run orders -- start. (If somebody has moved the offsets of the group, nothing is lost.) ' +
    BEGIN_ANEW
  );
}

/** Takes the files of batches that no entry tells of from the readers, and keeps them. */
export async function setAside(
  { lake, quarantine }: LakeFolders,
  last: LedgerEntry | undefined,
): Promise<void> {
  for (const root of [lake, quarantine]) {
    for (const { path, sequence } of await allParts(root)) {
      if (sequence <= (last?.sequence ?? 0)) continue;
      const target = join(root, ASIDE_FOLDER, path);
      await makeFolder(join(target, '..'));
      await rename(join(root, path), `${target}.bak`);
      await syncFolder(join(root, path, '..'));
    }
  }
}
