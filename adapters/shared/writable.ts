import { access, constants, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { absentWhere } from './error-code';

/** Whether this user may write in a directory, or make it where it is missing; throws why not. */
export async function mayWrite(folder: string): Promise<string> {
  const there = await nearest(folder);
  await access(there, constants.W_OK | constants.X_OK);
  return there === resolve(folder) ? 'writable' : `is not there yet and can be made in ${there}`;
}

/** The directory itself, or the first of those above it that exists. */
export async function nearest(folder: string): Promise<string> {
  for (let path = resolve(folder); ; path = dirname(path)) {
    if ((await absentWhere(['ENOENT'], stat(path))) !== undefined || path === dirname(path)) return path;
  }
}
