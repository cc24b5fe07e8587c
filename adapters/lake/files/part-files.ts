import type { Storage } from '../../../ports';
import { DATE_DIRECTORY, isMarker, sequenceOfPart } from './layout';

/** A part file as its name tells it. */
export interface PartFile {
  /** Its name in the storage of its lake or quarantine: `date=…/part-….parquet`. */
  path: string;
  sequence: number;
}

/** The `date=…` directories of a lake or quarantine, in order. */
export async function dateDirectories(storage: Storage): Promise<string[]> {
  return (await storage.list('')).filter((name) => DATE_DIRECTORY.test(name));
}

/** The part files of one date, in order. */
export async function partsOf(storage: Storage, date: string): Promise<PartFile[]> {
  const parts: PartFile[] = [];
  for (const name of await storage.list(date)) {
    const sequence = sequenceOfPart(name);
    if (sequence !== undefined) parts.push({ path: `${date}/${name}`, sequence });
  }
  return parts;
}

/** The part files of all dates. */
export async function allParts(storage: Storage): Promise<PartFile[]> {
  const parts = [];
  for (const date of await dateDirectories(storage)) parts.push(...(await partsOf(storage, date)));
  return parts;
}

/** The part files of all dates, and the markers among them. */
export async function allListed(storage: Storage): Promise<string[]> {
  const paths = [];
  for (const date of await dateDirectories(storage))
    for (const name of await storage.list(date))
      if (isMarker(name) || sequenceOfPart(name) !== undefined) paths.push(`${date}/${name}`);
  return paths;
}
