/**
 * Whether the folder that the settings name is the lake that was landed in. A disk that is not mounted, a lake that was moved
 * or emptied, and the settings of another pipeline all look like a new lake; to go on in it would part the orders in two.
 */
import { randomUUID } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import type { KnownLake } from '../../../ports';
import { shellWord, type LakeIdentity } from '../../../domain/damaged';
import { LastingFailure } from '../../../domain/errors';
import { BEGIN_ANEW } from '../../../domain/new-lake';
import {
  codeOf,
  createDurably,
  DATE_FOLDER,
  ID_FILE,
  LEDGER_FOLDER,
  sequenceOfEntry,
  type LakeFolders,
  allParts,
  namesIn,
} from '../files';
import { entryName } from './ledger';

const ID = z.object({ id: z.string().min(1) });

/** The lake's identity, written now if it has none: those of versions before 0.4.0 lack it. Only for the owner. */
export async function ensureIdentity(
  folders: LakeFolders,
  via: string,
  id: string = randomUUID(),
): Promise<LakeIdentity> {
  const bytes = Buffer.from(`${JSON.stringify({ id }, null, 2)}\n`);
  await createDurably(folders.ledger, ID_FILE, bytes, { via });
  return (await readIdentity(folders))!;
}

/** `undefined` where there is none. */
async function readIdentity({ lake, ledger }: LakeFolders): Promise<LakeIdentity | undefined> {
  const path = join(ledger, ID_FILE);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
  try {
    return { id: ID.parse(JSON.parse(text)).id, at: placeOf(lake) };
  } catch (error) {
    throw new Error(
      `${path}, by which the lake is known, was changed or cut (${(error as Error).message}). Remove it, and it is written ` +
        `anew: rm ${shellWord(path)}`,
      { cause: error },
    );
  }
}

/**
 * Compares the folder with what a landing knows of its lake; an unknown identity says nothing, and is learned. Cheap: two
 * small files, so it is asked before every step.
 *
 * @throws an error that is retried where the lake, or its newest entry, is gone: it may come back, as a disk does.
 *   LastingFailure LakeMismatch where another lake stands there.
 */
export async function confirm(folders: LakeFolders, known: KnownLake): Promise<LakeIdentity | undefined> {
  const found = await readIdentity(folders);
  const { lake, sequence } = known;
  if (lake !== undefined && found !== undefined && lake.id !== found.id) throw another(lake, found);
  if (sequence > 0 && !(await hasEntry(folders.ledger, sequence))) throw await gone(folders, known);
  if (found === undefined && lake !== undefined) {
    if (sequence === 0) throw await gone(folders, known);
    // The ledger is there, so somebody has removed the file alone.
    await createDurably(
      folders.ledger,
      ID_FILE,
      Buffer.from(`${JSON.stringify({ id: lake.id }, null, 2)}\n`),
    );
  }
  return lake ?? found;
}

async function hasEntry(ledger: string, sequence: number): Promise<boolean> {
  return stat(join(ledger, entryName(sequence))).then(
    () => true,
    (error: unknown) => {
      if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return false;
      throw error;
    },
  );
}

/** What stands where a lake was. */
export async function whatIsThere({ lake, ledger }: LakeFolders): Promise<string> {
  const names = await readdir(lake).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (names === undefined) return `the folder ${lake} is not there`;
  const last = (await namesOrNone(ledger)).reduce(
    (max, name) => Math.max(max, sequenceOfEntry(name) ?? 0),
    0,
  );
  if (last > 0) return `the ledger ${ledger} ends with entry ${last}`;
  const dates = names.filter((name) => DATE_FOLDER.test(name)).length;
  if (dates > 0)
    return `the lake ${lake} has ${dates} date folders, but its ledger (${LEDGER_FOLDER}) has no entry`;
  return `the lake ${lake} is empty`;
}

async function gone(folders: LakeFolders, { lake, sequence }: KnownLake): Promise<Error> {
  const had =
    sequence === 0
      ? 'The landing has opened a lake'
      : `The landing has written entry ${sequence} of its ledger`;
  return new Error(
    `${had} at ${lake?.at ?? placeOf(folders.lake)}, but ${await whatIsThere(folders)}. Was it moved or removed, an older copy put ` +
      'there, or is its disk not mounted? Put it back as it was: landing goes on by itself, and nothing is lost meanwhile. If it ' +
      `is elsewhere now, set datalake.path (LAKE_PATH) to it and restart the workers. ${BEGIN_ANEW}`,
  );
}

function another(known: LakeIdentity, found: LakeIdentity): LastingFailure {
  return new LastingFailure(
    'LakeMismatch',
    `This worker's lake is ${found.at} (id ${found.id}), but the landing has opened ${known.at} (id ${known.id}). Do workers of ` +
      'another pipeline, with a datalake.path (LAKE_PATH) of their own, serve the same namespace? Stop them, or give all the same ' +
      'path; then start the landing again: npm run orders -- start. ' +
      BEGIN_ANEW,
  );
}

/** A lake within what belongs to another one: its quarantine. LastingFailure LakeMismatch. */
export async function refuseNested({ lake, quarantine }: LakeFolders): Promise<void> {
  const outer = /^(.+)_quarantine$/.exec(lake)?.[1];
  const inner = (await namesOrNone(quarantine)).includes(LEDGER_FOLDER) ? quarantine : undefined;
  const [one, other] = inner !== undefined ? [lake, inner] : [outer, lake];
  if (one === undefined || (inner === undefined && !(await namesOrNone(one)).includes(LEDGER_FOLDER))) return;
  throw new LastingFailure(
    'LakeMismatch',
    `${other} is the quarantine of the lake ${one} and a lake of its own: their files would mix. Set datalake.path (LAKE_PATH) of ` +
      'one of them to another folder.',
  );
}

/** Number of the newest batch that has a file: further than the ledger where that has lost entries. */
export async function newestPart({ lake, quarantine }: LakeFolders): Promise<number> {
  const parts = [...(await allParts(lake)), ...(await allParts(quarantine))];
  return parts.reduce((max, { sequence }) => Math.max(max, sequence), 0);
}

async function namesOrNone(folder: string): Promise<string[]> {
  return namesIn(folder).catch((error: unknown) => {
    if (codeOf(error) === 'ENOTDIR') return [];
    throw error;
  });
}

function placeOf(lake: string): string {
  return `${hostname()}:${resolve(lake)}`;
}
