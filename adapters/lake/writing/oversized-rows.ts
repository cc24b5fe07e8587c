import type { LakeStorage, OversizedRows } from '../../../ports';
import { sha256 } from '../files';

/** Beside the quarantine's `date=…` directories; readers skip a name that begins with `_`. */
const DIRECTORY = '_oversized';

/**
 * Files of `<lake>_quarantine/_oversized/`, one a row: its JSON as PostgreSQL printed it, under a name made of its key and
 * its hash. So a repeated publish finds the file, and a row that changed has another one.
 */
export function createOversizedRows({ quarantine }: LakeStorage): OversizedRows {
  return {
    async keep({ key, value }) {
      const hash = sha256(value);
      const name = `order-${key ?? 'null'}-${hash.slice(0, 16)}.json`;
      const file = `${DIRECTORY}/${name}`;
      await quarantine.put(file, value);
      return { file, bytes: value.length, sha256: hash };
    },
  };
}
