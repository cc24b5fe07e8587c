import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

/** What stands under the name of a small file of ours and is none: reading it might never end, or take all memory. */
export class OddFile extends Error {
  override readonly name = 'OddFile';
}

/**
 * The bytes of a file that others may have changed, at most `most`. Throws OddFile for a directory, a pipe, or a larger file, and
 * the system's error where there is none.
 */
export async function readSmallFile(path: string, most: number): Promise<Buffer> {
  // Opening a pipe would wait for its writer.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const found = await file.stat();
    if (!found.isFile()) throw new OddFile(`${path} is no file`);
    if (found.size > most)
      throw new OddFile(`${path} has ${found.size} bytes, where at most ${most} are ours`);
    return await file.readFile();
  } finally {
    await file.close();
  }
}
