import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from './durable-file';
import { DATE_FOLDER, sequenceOfPart } from './layout';

/** A part file as its name tells it. */
export interface PartFile {
  /** Relative to its lake or quarantine: `date=…/part-….parquet`. */
  path: string;
  sequence: number;
}

/** The names in a folder, sorted; none where the folder does not exist. */
export async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/** The `date=…` folders of a lake or quarantine, in order. */
export async function dateFolders(root: string): Promise<string[]> {
  return (await namesIn(root)).filter((name) => DATE_FOLDER.test(name));
}

/** The part files of one date, in order. */
export async function partsOf(root: string, date: string): Promise<PartFile[]> {
  const parts: PartFile[] = [];
  for (const name of await namesIn(join(root, date))) {
    const sequence = sequenceOfPart(name);
    if (sequence !== undefined) parts.push({ path: `${date}/${name}`, sequence });
  }
  return parts;
}

/** The part files of all dates. */
export async function allParts(root: string): Promise<PartFile[]> {
  const parts = [];
  for (const date of await dateFolders(root)) parts.push(...(await partsOf(root, date)));
  return parts;
}
