/** A ledger that has lost entries: noticed before anything is removed or landed, because what it listed may be gone from Kafka. */
import type { LakeStorage, LedgerEntry } from '../../../ports';
import { NonRetryableError } from '../../../domain/errors';
import { BEGIN_ANEW } from '../../../domain/new-lake';
import { formatOffsets, type Offsets } from '../../../domain/ranges';
import { ASIDE_DIRECTORY, allParts } from '../files';
import { whatIsThere, newestPart } from './identity';
import { knownBeginning } from './ledger';

/**
 * Two things outlive a lost ledger: the consumer group's offsets in Kafka, which are set after each entry, and the files of the
 * batches. NonRetryableError LakeMismatch where one of them is ahead of the ledger.
 */
export async function refuseShortened(
  storage: LakeStorage,
  last: LedgerEntry | undefined,
  landed: Offsets,
): Promise<void> {
  const why = await shortened(storage, last, landed);
  if (why !== undefined) throw new NonRetryableError('LakeMismatch', why);
}

/** Says what is wrong, or nothing. Reads only. */
export async function shortened(
  storage: LakeStorage,
  last: LedgerEntry | undefined,
  landed: Offsets,
): Promise<string | undefined> {
  const reached = last?.reached ?? (await knownBeginning(storage.lake))?.begin ?? {};
  const beyond = Object.entries(landed).filter(([p, offset]) => BigInt(offset) > BigInt(reached[p] ?? '0'));
  // In a bucket a late attempt may have left files of any batch: they tell nothing of the ledger.
  const newest = storage.lake.renames ? await newestPart(storage) : 0;
  const ahead = newest > (last?.sequence ?? 0) + 1;
  if (beyond.length === 0 && !ahead) return undefined;
  const landedTo =
    beyond.length === 0
      ? `there are files of batch ${newest}`
      : `the consumer group in Kafka says that the offsets below ${formatOffsets(Object.fromEntries(beyond))} have landed`;
  return (
    `${await whatIsThere(storage.lake)}, but ${landedTo}. Was the lake moved or emptied, has it lost its newest entries, was an older ` +
    'copy put there, or is its disk not mounted? Put it back as it was, or set datalake.path (LAKE_PATH) to where it is and restart ' +
    'the workers; then start the landing: npm run orders -- start. (If somebody has moved the offsets of the group, nothing is lost.) ' +
    BEGIN_ANEW
  );
}

/** Takes the files of batches that no entry tells of from the readers, and keeps them. */
export async function setAside(
  { lake, quarantine }: LakeStorage,
  last: LedgerEntry | undefined,
): Promise<void> {
  // Readers do not see them then.
  if (!lake.renames) return;
  for (const storage of [lake, quarantine]) {
    for (const { path, sequence } of await allParts(storage)) {
      if (sequence > (last?.sequence ?? 0)) await storage.move(path, `${ASIDE_DIRECTORY}/${path}.bak`);
    }
  }
}
