/**
 * Who may write to a lake, decided by the file system alone: whoever opened it last.
 *
 * Every opening takes the next epoch, a file that link() lets only one of several make. All that is written comes to its
 * place by rename() or link() from the epoch's own staging directory, or one of an attempt within it (attempts.ts), and a new epoch closes the older ones' directories before
 * it looks at anything. So a process that was frozen, cut off or forgotten fails at its next step, however late it wakes
 * up: its files cannot appear any more, and no check that could be out of date a moment later is needed.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, rename, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { NonRetryableError } from '../../../../domain/errors';
import type { LakeStorage, Owner } from '../../../../ports';
import { absentWhere, codeOf } from '../../../shared/error-code';
import { OddFile, readSmallFile } from '../../../shared/small-file';
import { createDurably, makeDirectory, namesIn } from './durable-file';
import { nextEpoch, supersededBy, type EpochRecords } from '../epoch-records';
import { epochName, epochOfRecord, STAGING_DIRECTORY } from '../names';
import { epochOf, stagingOf } from './names';
import { requireWithin } from './within';

/** The directories of a lake and of its quarantine. */
export interface Roots {
  lake: string;
  quarantine: string;
}

/** Takes the next epoch and shuts out all older ones; their staged files are gone afterwards. See {@link nextEpoch}. */
export async function takeEpoch(
  directories: Roots,
  owner: Owner,
  options: Parameters<LakeStorage['takeEpoch']>[1],
): Promise<number> {
  const records = join(directories.lake, STAGING_DIRECTORY);
  for (const root of roots(directories)) {
    await requireWithin(root, join(root, STAGING_DIRECTORY));
    await makeDirectory(join(root, STAGING_DIRECTORY));
  }
  const epoch = await nextEpoch(recordsIn(records), owner, options);
  for (const root of roots(directories)) await mkdir(stagingOf(root, epoch), { recursive: true });
  // Looked at after the directories were made: a newer epoch that comes from now on finds them, and closes them.
  if ((await newestEpoch(records)) !== epoch) {
    for (const root of roots(directories)) await rmdir(stagingOf(root, epoch)).catch(() => undefined);
    throw supersededBy(directories.lake, await newestEpoch(records));
  }
  for (const root of roots(directories)) await closeOlder(join(root, STAGING_DIRECTORY), epoch);
  return epoch;
}

/** Tells a closed staging directory from other reasons why a step failed. Returns the error to throw. */
export async function orSuperseded(
  error: unknown,
  directories: Roots,
  root: string,
  epoch: number,
): Promise<unknown> {
  if (codeOf(error) !== 'ENOENT' || (await exists(stagingOf(root, epoch)))) return error;
  const newest = await newestEpoch(join(directories.lake, STAGING_DIRECTORY));
  if (newest > epoch) return supersededBy(root, newest);
  if (!(await exists(root))) return new Error(`${root} is gone. ${PUT_BACK}`, { cause: error });
  return new NonRetryableError(
    'LakeMismatch',
    `${stagingOf(root, epoch)}, by which one landing keeps another from writing, was removed, and no other landing has opened the ` +
      'lake since: somebody has. Nothing is lost. Start the landing again, which makes it anew: npm run orders -- start',
  );
}

const PUT_BACK =
  'Was it moved, or is its disk not mounted? Put it back as it was: landing goes on by itself. If it is lost, start the landing ' +
  'anew, which makes it again, and land again what the audit finds missing: temporal workflow terminate --workflow-id orders-land ; ' +
  'npm run orders -- start ; npm run orders -- audit';

/**
 * Takes a file out of the readers' sight and removes it; for one that is gone already this is success. By way of a staging
 * directory, so that only the newest epoch, and an attempt that was not shut out, can remove anything.
 */
export async function removeFenced(
  path: string,
  directories: Roots,
  root: string,
  { epoch, via }: { epoch: number; via: string },
): Promise<void> {
  for (const directory of [dirname(path), via]) await requireWithin(root, directory);
  const aside = join(via, `removed.${randomBytes(8).toString('hex')}.tmp`);
  try {
    await rename(path, aside);
  } catch (error) {
    const told = await orSuperseded(error, directories, root, epoch);
    if (codeOf(told) !== 'ENOENT' || !(await exists(via))) throw told;
    return;
  }
  await rm(aside, { force: true });
}

function roots({ lake, quarantine }: Roots): string[] {
  return [lake, quarantine];
}

function recordsIn(directory: string): EpochRecords {
  const locate = (epoch: number) => join(directory, epochName(epoch));
  return {
    location: directory,
    locate,
    newest: () => newestEpoch(directory),
    async read(epoch) {
      try {
        return await readSmallFile(locate(epoch), LARGEST_RECORD);
      } catch (error) {
        if (codeOf(error) === 'ENOENT' || error instanceof OddFile) return undefined;
        throw error;
      }
    },
    create: (epoch, bytes) => createDurably(directory, epochName(epoch), bytes),
  };
}

/** Some 200 bytes are ours. */
const LARGEST_RECORD = 65_536;

async function newestEpoch(records: string): Promise<number> {
  return (await namesIn(records)).reduce((max, name) => Math.max(max, epochOfRecord(name) ?? 0), 0);
}

/** Gives a directory another name, so that no path leads into it from that moment on, and removes it; success where it is gone. */
export async function closeDirectory(path: string): Promise<void> {
  const closed = join(dirname(path), `closed.${randomBytes(8).toString('hex')}`);
  await absentWhere(['ENOENT'], rename(path, closed));
  await rm(closed, { recursive: true, force: true });
}

/** Closes the directories of older epochs; what they held, and the records of who took them, goes with them. */
async function closeOlder(staging: string, epoch: number): Promise<void> {
  for (const name of await namesIn(staging)) {
    const path = join(staging, name);
    const directory = epochOf(name);
    if (directory !== undefined && directory < epoch) {
      await closeDirectory(path);
    } else if (name.startsWith('closed.') || (epochOfRecord(name) ?? epoch) < epoch) {
      await rm(path, { recursive: true, force: true });
    }
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
