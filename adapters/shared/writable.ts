import { access, constants, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { absentWhere } from './error-code';

/** Whether this user may write in a directory, or make it where it is missing; throws why not. */
export async function mayWrite(directory: string): Promise<string> {
  const there = await nearest(directory);
  await access(there, constants.W_OK | constants.X_OK);
  return there === resolve(directory) ? 'writable' : `is not there yet and can be made in ${there}`;
}

/** The directory itself, or the first of those above it that exists. */
export async function nearest(directory: string): Promise<string> {
  for (let path = resolve(directory); ; path = dirname(path)) {
    if ((await absentWhere(['ENOENT'], stat(path))) !== undefined || path === dirname(path)) return path;
  }
}
