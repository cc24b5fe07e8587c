import type { Storage } from '../../ports';
import type { TableFiles } from './manifests';

/** A table's files in a lake's storage. */
export function tableFilesIn(storage: Storage): TableFiles {
  return {
    async read(location) {
      const bytes = await storage.get(storage.nameOf(location));
      if (bytes === undefined) throw new Error(`${location}, which the Iceberg table names, is not there`);
      return bytes;
    },
    async write(location, bytes) {
      await storage.put(storage.nameOf(location), bytes);
    },
    async remove(location) {
      await storage.remove(storage.nameOf(location));
    },
  };
}
