/** Files that are there whole or not at all, also after a power cut: temporary name, fsync, rename, fsync of the directory. */
import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import {
  type FileHandle,
  link,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { absentWhere, codeOf } from '../../../shared/error-code';
import { temporaryName } from './names';

/** Where and how a file is written. */
export interface WriteOptions {
  /** The directory for the temporary file, on the same file system; the target's own unless given. Must exist. */
  via?: string;
  /** Called when another content stands at the target, before it is replaced; may throw to keep it. */
  beforeReplacing?: () => Promise<void>;
}

/**
 * Puts `bytes` at `directory/name`, replacing what stands there unless it is the same already. The directory must exist.
 * Throws the system's error (ENOSPC, EROFS, EIO …) with nothing visible changed and the temporary file removed.
 */
export async function writeDurably(
  directory: string,
  name: string,
  bytes: Uint8Array,
  { via = directory, beforeReplacing }: WriteOptions = {},
): Promise<void> {
  const target = join(directory, name);
  const found = await compare(target, bytes);
  if (found === 'same') {
    // An earlier attempt may have died between its rename and its fsync of the directory.
    await syncDirectory(directory);
    return;
  }
  await viaTemporary({ via, name, fill: (file) => file.writeFile(bytes) }, async (temporary) => {
    if (found === 'other') await beforeReplacing?.();
    await rename(temporary, target);
  });
  await syncDirectory(directory);
}

/**
 * The same, but never replaces: resolves to false, with nothing changed, where the name is taken. link() decides
 * that and shows the whole file in one step; rename() would clobber, and O_EXCL would show a file half written.
 */
export async function createDurably(
  directory: string,
  name: string,
  bytes: Uint8Array,
  { via = directory }: Pick<WriteOptions, 'via'> = {},
): Promise<boolean> {
  try {
    await viaTemporary({ via, name, fill: (file) => file.writeFile(bytes) }, async (temporary) => {
      await link(temporary, join(directory, name));
      await rm(temporary, { force: true });
    });
    await syncDirectory(directory);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/**
 * Gives a file another name by way of a directory, which others may close. The old name goes last, so that nothing is lost there. `false`
 * where there is no such file.
 */
export async function moveDurably(
  source: string,
  directory: string,
  name: string,
  via: string,
): Promise<boolean> {
  const temporary = join(via, temporaryName(name, randomBytes(8).toString('hex')));
  const linked = await absentWhere(
    ['ENOENT', 'ENOTDIR'],
    link(source, temporary).then(() => true),
  );
  if (linked === undefined) {
    await stat(via); // closed meanwhile: nobody knows then whether there was one
  } else {
    try {
      await rename(temporary, join(directory, name));
    } finally {
      // A rename onto another name of the same file does nothing.
      await rm(temporary, { force: true });
    }
    await syncDirectory(directory);
    await rm(source, { force: true });
  }
  // Also where an earlier attempt has moved it, and died before this.
  for (const one of new Set([directory, dirname(source)])) await absentWhere(['ENOENT'], syncDirectory(one));
  return linked === true;
}

/** Makes a directory and its missing parents, each entered durably in its parent. */
export async function makeDirectory(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return;
  for (let made = path; made.length >= first.length; made = dirname(made)) await syncDirectory(dirname(made));
}

/** Puts a copy of the file `from` at `directory/name`, replacing what stands there. */
export async function copyDurably(
  directory: string,
  name: string,
  from: string,
  { via = directory }: Pick<WriteOptions, 'via'> = {},
): Promise<void> {
  const fill = (file: FileHandle) => writeFile(file, createReadStream(from));
  await viaTemporary({ via, name, fill }, (temporary) => rename(temporary, join(directory, name)));
  await syncDirectory(directory);
}

async function viaTemporary(
  { via, name, fill }: { via: string; name: string; fill: (file: FileHandle) => Promise<void> },
  publish: (temporary: string) => Promise<void>,
): Promise<void> {
  // Random, because an attempt that was given up may still be writing while the next one runs.
  const temporary = join(via, temporaryName(name, randomBytes(8).toString('hex')));
  try {
    const file = await open(temporary, 'wx');
    try {
      await fill(file);
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

/** The names in a directory, sorted; none where the directory does not exist. */
export async function namesIn(directory: string): Promise<string[]> {
  return ((await absentWhere(['ENOENT'], readdir(directory))) ?? []).sort();
}

/** Makes the names in a directory durable. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
