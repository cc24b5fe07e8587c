import { openStorage } from '../adapters/lake/reading';
import { loadSettings } from '../configs/load';
import type { LakeStorage } from '../ports';

/** The lake that `--lake` names, else the one of the settings. */
export function lakeOf(path: string | undefined): LakeStorage {
  if (path === undefined) return openStorage(loadSettings().datalake);
  return openStorage(path.startsWith('s3://') ? { path, s3: loadSettings().datalake.s3 } : { path });
}
