/** A lake in a bucket, its quarantine beside it. */
import type { LakeStorage } from '../../../../ports';
import { Bucket } from './bucket';
import { AttemptWriter, requireOwner, S3EpochWriter, takeEpoch } from './epoch';
import type { S3Options } from './options';
import { probeStorage } from './probe';
import { S3Storage } from './s3-storage';
import { Scratch } from './scratch';

export type { S3Options } from './options';

/** @param path `s3://bucket/prefix`; the quarantine's prefix has `_quarantine` added. Nothing is asked before it is used. */
export function openS3Storage(path: string, options: S3Options): LakeStorage {
  const [, name, prefix] = S3_PATH.exec(path) ?? [];
  if (name === undefined || prefix === undefined) throw new Error(`${path} is not s3://bucket/prefix`);
  const bucket = new Bucket(name, options);
  const scratch = new Scratch(bucket);
  const storage = (at: string) => new S3Storage(bucket, at, scratch);
  const storages = { lake: storage(prefix), quarantine: storage(`${prefix}_quarantine`) };
  const outer = /^(.+)_quarantine$/.exec(prefix)?.[1];
  return {
    ...storages,
    outer: outer === undefined ? undefined : storage(outer),
    async probe() {
      await probeStorage(storages.lake);
      // Of the same store.
      await probeStorage(storages.quarantine, { rounds: 0 });
    },
    takeEpoch: (owner, choice) => takeEpoch(storages.lake, owner, choice),
    writer: (part, epoch) => new S3EpochWriter(storages, part, epoch),
    async tryOut(part) {
      await probeStorage(storages[part]);
      return 'writable, with conditional writes';
    },
    room: () => Promise.resolve(undefined),
    // What a late attempt writes is in no entry, so no reader sees it: there is nothing to shut out, and one look for all its files.
    async beginAttempt(epoch) {
      await requireOwner(storages.lake, epoch);
      return { writer: (part) => new AttemptWriter(storages, part, epoch), end: () => Promise.resolve() };
    },
    closeAttempts: () => Promise.resolve(),
  };
}

const S3_PATH = /^s3:\/\/([^/]+)\/(.*[^/])\/*$/;
