/**
 * The table is its directory: numbered metadata files, each made where none is. Readers find the newest by `version-hint.text`, or
 * are given it.
 */
import type { Storage } from '../../../ports';
import { parseMetadata, printMetadata, withPrevious } from '../metadata';
import type { Catalog, LoadedTable } from './catalog';

const HINT = 'version-hint.text';
const METADATA = /^v(\d{1,15})\.metadata\.json$/;

/** Files of metadata that stay: readers may be at one of them, as far as the newest one's log goes back. */
const KEPT = 100;

/** `directory`: of the table, a name in the storage. */
export function directoryCatalog(storage: Storage, directory: string): Catalog {
  const metadata = `${directory}/metadata`;
  const nameOf = (version: number) => `${metadata}/v${version}.metadata.json`;
  const versionOf = (location: string) => Number(METADATA.exec(location.split('/').at(-1) ?? '')?.[1]);

  const read = async (version: number): Promise<LoadedTable | undefined> => {
    const bytes = await storage.get(nameOf(version));
    const location = storage.locate(nameOf(version));
    return bytes && { metadata: parseMetadata(bytes.toString(), location), location };
  };

  /** Beginning with the hint, which may be late: it is written after the metadata. */
  const newest = async (): Promise<number | undefined> => {
    let version = Number((await storage.get(`${metadata}/${HINT}`))?.toString().trim() || NaN);
    if (!Number.isSafeInteger(version) || (await storage.head(nameOf(version))) === undefined) {
      const versions = (await storage.list(metadata)).map(versionOf).filter((one) => !Number.isNaN(one));
      if (versions.length === 0) return undefined;
      version = Math.max(...versions);
    }
    while ((await storage.head(nameOf(version + 1))) !== undefined) version++;
    return version;
  };

  /** The oldest first: see the check in `commit`. */
  const removeOld = async (version: number) => {
    if (version % 10 !== 0) return;
    const versions = (await storage.list(metadata)).map(versionOf).filter((one) => one <= version - KEPT);
    for (const old of versions.sort((a, b) => a - b)) await storage.remove(nameOf(old));
  };

  return {
    name: storage.locate(directory),

    async load() {
      const version = await newest();
      return version === undefined ? undefined : read(version);
    },

    async commit(base, next) {
      const version = base === undefined ? 1 : versionOf(base.location) + 1;
      const whole = base === undefined ? next : withPrevious(next, base.metadata, base.location);
      const bytes = Buffer.from(printMetadata(whole));
      if (base === undefined && (await newest()) !== undefined) return false;
      if (!(await storage.putIfAbsent(nameOf(version), bytes))) {
        // The answer to an own attempt may have been lost: no two writers make the same snapshot or table.
        if ((await storage.get(nameOf(version)))?.equals(bytes) !== true) return false;
      }
      // A writer that slept may find its number free again: removed, as its base was before.
      if (base !== undefined && (await storage.head(nameOf(version - 1))) === undefined) {
        await storage.remove(nameOf(version));
        return false;
      }
      await storage.put(`${metadata}/${HINT}`, Buffer.from(String(version)));
      await removeOld(version);
      return true;
    },
  };
}
