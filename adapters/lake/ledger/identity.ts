/**
 * Whether the directory that the settings name is the lake that was landed in. A disk that is not mounted, a lake that was moved
 * or emptied, and the settings of another pipeline all look like a new lake; to go on in it would part the orders in two.
 */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { KnownLake, LakeStorage, Storage, StorageWriter } from '../../../ports';
import { shellWord, type LakeIdentity } from '../../../domain/damaged';
import { NonRetryableError } from '../../../domain/errors';
import { BEGIN_ANEW } from '../../../domain/new-lake';
import { absentWhere } from '../../shared/error-code';
import { DATE_DIRECTORY, entryName, ID_FILE, sequenceOfEntry, allParts } from '../files';
import { LEDGER_DIRECTORY } from '../storage';

const ID = z.object({ id: z.string().min(1).max(100) });

/** The lake's identity, written now if it has none: those of versions before 0.4.0 lack it. Only for the owner. */
export async function ensureIdentity(
  lake: Storage,
  writer: StorageWriter,
  id: string = randomUUID(),
): Promise<LakeIdentity> {
  await writer.putIfAbsent(ID_FILE, idFile(id));
  return (await readIdentity(lake))!;
}

function idFile(id: string): Buffer {
  return Buffer.from(`${JSON.stringify({ id }, null, 2)}\n`);
}

/** `undefined` where there is none. */
async function readIdentity(lake: Storage): Promise<LakeIdentity | undefined> {
  const bytes = await lake.get(ID_FILE);
  if (bytes === undefined) return undefined;
  try {
    return { id: ID.parse(JSON.parse(bytes.toString())).id, at: lake.address };
  } catch (error) {
    const path = lake.locate(ID_FILE);
    throw new Error(
      `${path}, by which the lake is known, was changed or cut (${(error as Error).message}). Remove it, and it is written ` +
        `anew: rm ${shellWord(path)}`,
      { cause: error },
    );
  }
}

/**
 * Compares the directory with what a landing knows of its lake; an unknown identity says nothing, and is learned. Cheap: two
 * small files, so it is asked before every step.
 *
 * @throws an error that is retried where the lake, or its newest entry, is gone: it may come back, as a disk does.
 *   NonRetryableError LakeMismatch where another lake stands there.
 */
export async function confirm(lake: Storage, known: KnownLake): Promise<LakeIdentity | undefined> {
  const found = await readIdentity(lake);
  const { lake: identity, sequence } = known;
  if (identity !== undefined && found !== undefined && identity.id !== found.id)
    throw another(identity, found);
  if (sequence > 0 && !(await hasEntry(lake, sequence))) throw await gone(lake, known);
  if (found === undefined && identity !== undefined) {
    if (sequence === 0) throw await gone(lake, known);
    // The ledger is there, so somebody has removed the file alone.
    await lake.putIfAbsent(ID_FILE, idFile(identity.id));
  }
  return identity ?? found;
}

async function hasEntry(lake: Storage, sequence: number): Promise<boolean> {
  return (await lake.head(entryName(sequence))) !== undefined;
}

/** What stands where a lake was. */
export async function whatIsThere(lake: Storage): Promise<string> {
  if ((await lake.head('')) === undefined) return `the directory ${lake.location} is not there`;
  const names = await lake.list('');
  const last = (await namesOrNone(lake, LEDGER_DIRECTORY)).reduce(
    (max, name) => Math.max(max, sequenceOfEntry(name) ?? 0),
    0,
  );
  if (last > 0) return `the ledger ${lake.locate(LEDGER_DIRECTORY)} ends with entry ${last}`;
  const dates = names.filter((name) => DATE_DIRECTORY.test(name)).length;
  if (dates > 0)
    return `the lake ${lake.location} has ${dates} date directories, but its ledger (${LEDGER_DIRECTORY}) has no entry`;
  return `the lake ${lake.location} is empty`;
}

async function gone(at: Storage, { lake, sequence }: KnownLake): Promise<Error> {
  const had =
    sequence === 0
      ? 'The landing has opened a lake'
      : `The landing has written entry ${sequence} of its ledger`;
  return new Error(
    `${had} at ${lake?.at ?? at.address}, but ${await whatIsThere(at)}. Was it moved or removed, an older copy put ` +
      'there, or is its disk not mounted? Put it back as it was: landing goes on by itself, and nothing is lost meanwhile. If it ' +
      `is elsewhere now, set datalake.path (LAKE_PATH) to it and restart the workers. ${BEGIN_ANEW}`,
  );
}

function another(known: LakeIdentity, found: LakeIdentity): NonRetryableError {
  return new NonRetryableError(
    'LakeMismatch',
    `This worker's lake is ${found.at} (id ${found.id}), but the landing has opened ${known.at} (id ${known.id}). Do workers of ` +
      'another pipeline, with a datalake.path (LAKE_PATH) of their own, serve the same namespace? Stop them, or give all the same ' +
      'path; then start the landing again: npm run orders -- start. ' +
      BEGIN_ANEW,
  );
}

/** A lake within what belongs to another one: its quarantine. NonRetryableError LakeMismatch. */
export async function refuseNested({ lake, quarantine, outer }: LakeStorage): Promise<void> {
  const holdsLake = async (storage: Storage) => (await namesOrNone(storage, '')).includes(LEDGER_DIRECTORY);
  const inner = (await holdsLake(quarantine)) ? quarantine : undefined;
  const [one, other] = inner !== undefined ? [lake, inner] : [outer, lake];
  if (one === undefined || (inner === undefined && !(await holdsLake(one)))) return;
  throw new NonRetryableError(
    'LakeMismatch',
    `${other.location} is the quarantine of the lake ${one.location} and a lake of its own: their files would mix. Set ` +
      'datalake.path (LAKE_PATH) of one of them to another directory.',
  );
}

/** Number of the newest batch that has a file: further than the ledger where that has lost entries. */
export async function newestPart({ lake, quarantine }: LakeStorage): Promise<number> {
  const parts = [...(await allParts(lake)), ...(await allParts(quarantine))];
  return parts.reduce((max, { sequence }) => Math.max(max, sequence), 0);
}

async function namesOrNone(storage: Storage, prefix: string): Promise<string[]> {
  return (await absentWhere(['ENOTDIR'], storage.list(prefix))) ?? [];
}
