/** Files that are there whole or not at all, also after a power cut: temporary name, fsync, rename, fsync of the folder. */
import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { absentWhere, codeOf } from '../../../shared/error-code';
import { temporaryName } from './names';

/** Where and how a file is written. */
export interface WriteOptions {
  /** The folder for the temporary file, on the same file system; the target's own unless given. Must exist. */
  via?: string;
  /** Called when another content stands at the target, before it is replaced; may throw to keep it. */
  beforeReplacing?: () => Promise<void>;
}

/**
 * Puts `bytes` at `folder/name`, replacing what stands there unless it is the same already. The folder must exist.
 * Throws the system's error (ENOSPC, EROFS, EIO …) with nothing visible changed and the temporary file removed.
 */
export async function writeDurably(
  folder: string,
  name: string,
  bytes: Uint8Array,
  { via = folder, beforeReplacing }: WriteOptions = {},
): Promise<void> {
  const target = join(folder, name);
  const found = await compare(target, bytes);
  if (found === 'same') {
    // An earlier attempt may have died between its rename and its fsync of the folder.
    await syncFolder(folder);
    return;
  }
  await viaTemporary({ via, name, bytes }, async (temporary) => {
    if (found === 'other') await beforeReplacing?.();
    await rename(temporary, target);
  });
  await syncFolder(folder);
}

/**
 * The same, but never replaces: resolves to false, with nothing changed, where the name is taken. link() decides
 * that and shows the whole file in one step; rename() would clobber, and O_EXCL would show a file half written.
 */
export async function createDurably(
  folder: string,
  name: string,
  bytes: Uint8Array,
  { via = folder }: Pick<WriteOptions, 'via'> = {},
): Promise<boolean> {
  try {
    await viaTemporary({ via, name, bytes }, async (temporary) => {
      await link(temporary, join(folder, name));
      await rm(temporary, { force: true });
    });
    await syncFolder(folder);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Makes a folder and its missing parents, each entered durably in its parent. */
export async function makeFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return;
  for (let made = path; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made));
}

async function viaTemporary(
  { via, name, bytes }: { via: string; name: string; bytes: Uint8Array },
  publish: (temporary: string) => Promise<void>,
): Promise<void> {
  // Random, because an attempt that was given up may still be writing while the next one runs.
  const temporary = join(via, temporaryName(name, randomBytes(8).toString('hex')));
  try {
    const file = await open(temporary, 'wx');
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await publish(temporary);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined); // the first error is the one to tell
    throw error;
  }
}

async function compare(path: string, bytes: Uint8Array): Promise<'same' | 'other' | 'absent'> {
  try {
    if ((await stat(path)).size !== bytes.length) return 'other';
    return (await readFile(path)).equals(bytes) ? 'same' : 'other';
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return 'absent';
    throw error;
  }
}

/** The names in a folder, sorted; none where the folder does not exist. */
export async function namesIn(folder: string): Promise<string[]> {
  return ((await absentWhere(['ENOENT'], readdir(folder))) ?? []).sort();
}

/** Makes the names in a folder durable. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
