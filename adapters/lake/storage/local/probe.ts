import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { NonRetryableError } from '../../../../domain/errors';
import { codeOf } from '../../../shared/error-code';
import { userName } from '../../../shared/user-name';
import { createDurably, makeDirectory, writeDurably } from './durable-file';

/** What an administrator must change; anything else (disk full, an I/O error) may pass by itself. */
const NON_RETRYABLE: Record<string, string> = {
  EACCES: 'give that user write access',
  EPERM: 'give that user write access, on a file system that has renames and hard links',
  EROFS: 'mount it writable',
  ENOTDIR: 'a part of the path is a file: choose another path',
  EEXIST: 'there is a file of that name: choose another path',
  ENAMETOOLONG: 'choose a shorter path',
  ELOOP: 'its symbolic links go round in a circle',
  ENOTSUP: 'choose a file system that has renames and hard links',
  EXDEV: 'choose a file system that has renames and hard links',
};

/**
 * Makes the directory and does in it once what landing will do: write, fsync, rename, link, remove.
 * NonRetryableError LakeNotWritable says which path, what the system said, who asked and what to do.
 */
export async function probeDirectory(directory: string): Promise<void> {
  // Names that readers skip, and cleanUp() removes should this process die here.
  const names = ['_probe_rename', '_probe_link'] as const;
  try {
    await makeDirectory(directory);
    for (const name of names) await rm(join(directory, name), { force: true });
    await writeDurably(directory, names[0], Buffer.from('probe'));
    await createDurably(directory, names[1], Buffer.from('probe'));
    for (const name of names) await rm(join(directory, name), { force: true });
  } catch (error) {
    const remedy = NON_RETRYABLE[codeOf(error) ?? ''];
    if (remedy === undefined) throw error;
    throw new NonRetryableError(
      'LakeNotWritable',
      `The lake directory ${directory} cannot be written by user ${userName()}: ${String(error)}. To do: ${remedy}, or set datalake.path.`,
      { cause: error },
    );
  }
}
