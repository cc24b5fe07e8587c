import { openStorage } from '../adapters/lake/reading';
import { loadSettings } from '../configs/load';
import type { LakeStorage } from '../ports';

/** The lake that `--lake` names, else the one of the settings. */
export function lakeOf(path: string | undefined): LakeStorage {
  return openStorage(path === undefined ? loadSettings().datalake : { path });
}
