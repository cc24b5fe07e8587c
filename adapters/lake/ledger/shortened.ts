/** A ledger that has lost entries: noticed before anything is removed or landed, because what it listed may be gone from Kafka. */
import type { LakeStorage, LedgerEntry } from '../../../ports';
import { NonRetryableError } from '../../../domain/errors';
import { BEGIN_ANEW } from '../../../domain/new-lake';
import { formatOffsets, type Offsets } from '../../../domain/ranges';
import { ASIDE_DIRECTORY, allParts, checkpointName } from '../files';
import { checkpointsIn } from './checkpoint';
import { whatIsThere, newestPart } from './identity';
import { knownBeginning } from './ledger';

/**
 * Three things outlive lost entries: the consumer group's offsets in Kafka, which are set after each entry, the files of the
 * batches, and checkpoints. NonRetryableError LakeMismatch where one of them is ahead of the ledger.
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
  const end = last?.sequence ?? 0;
  // In a bucket a late attempt may have left files of any batch: they tell nothing of the ledger.
  const newest = storage.lake.renames ? await newestPart(storage) : 0;
  const [checkpoint] = (await checkpointsIn(storage.lake)).filter((one) => one > end);
  if (beyond.length === 0 && newest <= end + 1 && checkpoint === undefined) return undefined;
  const landedTo =
    beyond.length === 0
      ? checkpoint === undefined
        ? `there are files of batch ${newest}`
        : `there is a checkpoint of entry ${checkpoint}`
      : `the consumer group in Kafka says that the offsets below ${formatOffsets(Object.fromEntries(beyond))} have landed`;
  return (
    `${await whatIsThere(storage.lake)}, but ${landedTo}. Was the lake moved or emptied, has it lost its newest entries, was an older ` +
    'copy put there, or is its disk not mounted? Put it back as it was, or set datalake.path (LAKE_PATH) to where it is and restart ' +
    'the workers; then start the landing: npm run orders -- start. (If somebody has moved the offsets of the group, nothing is lost.) ' +
    BEGIN_ANEW
  );
}

/** Takes the files of batches that no entry tells of from the readers, and keeps them; checkpoints of lost entries go. */
export async function setAside(
  { lake, quarantine }: LakeStorage,
  last: LedgerEntry | undefined,
): Promise<void> {
  for (const checkpoint of await checkpointsIn(lake))
    if (checkpoint > (last?.sequence ?? 0)) await lake.remove(checkpointName(checkpoint));
  // Readers do not see them then.
  if (!lake.renames) return;
  for (const storage of [lake, quarantine]) {
    for (const { path, sequence } of await allParts(storage)) {
      if (sequence > (last?.sequence ?? 0)) await storage.move(path, `${ASIDE_DIRECTORY}/${path}.bak`);
    }
  }
}
