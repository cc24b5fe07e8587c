/** Where the lake's files are: the only room that knows paths. */
import type { LakeStorage } from '../../../ports';
import { openLocalStorage } from './local';

export { isTemporary } from './local/names';
export { LEDGER_DIRECTORY, padSequence } from './names';

/** The storage that the settings name. Nothing is looked at or made before it is used. */
export function openStorage({ path }: { path: string }): LakeStorage {
  return openLocalStorage(path);
}
