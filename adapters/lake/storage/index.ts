/** Where the lake's files are: the only room that knows paths. */
import type { LakeStorage } from '../../../ports';
import { openLocalStorage } from './local';
import { openS3Storage, type S3Options } from './s3';

export { fingerprintOf } from './local/local-storage';
export { isTemporary } from './local/names';
export { LEDGER_DIRECTORY, padSequence } from './names';

/** Where a lake is, as the settings say it. */
export interface StorageOptions {
  /** A directory, or `s3://bucket/prefix`. */
  path: string;
  /** Of a lake in a bucket. */
  s3?: S3Options | undefined;
}

/** The storage that the settings name. Nothing is looked at or made before it is used. */
export function openStorage({ path, s3 = {} }: StorageOptions): LakeStorage {
  return path.startsWith('s3://') ? openS3Storage(path, s3) : openLocalStorage(path);
}
