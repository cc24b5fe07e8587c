/**
 * Who may write to a lake in a bucket: whoever made the newest record. Nothing there can be closed to others as a directory can,
 * so a writer looks whether its record still stands before each step; the next owner removes it. What an overtaken writer sends
 * in the moment after its look does no harm: its files have names of their own, no entry lists them, and a slot of the ledger that
 * it takes holds a batch that its successor finds there and goes on from.
 */
import { NonRetryableError } from '../../../../domain/errors';
import type { LakePart, LakeStorage, Owner, Storage, StorageWriter } from '../../../../ports';
import { nextEpoch, supersededBy, type EpochRecords } from '../epoch-records';
import { epochName, epochOfRecord, STAGING_DIRECTORY } from '../names';

const recordName = (epoch: number) => `${STAGING_DIRECTORY}/${epochName(epoch)}`;

/** Takes the next epoch and removes the records of all older ones. See {@link nextEpoch}. */
export async function takeEpoch(
  lake: Storage,
  owner: Owner,
  options: Parameters<LakeStorage['takeEpoch']>[1],
): Promise<number> {
  const records: EpochRecords = {
    location: lake.locate(STAGING_DIRECTORY),
    locate: (epoch) => lake.locate(recordName(epoch)),
    newest: async () => Math.max(0, ...(await epochsIn(lake))),
    read: (epoch) => lake.get(recordName(epoch)),
    create: (epoch, bytes) => lake.putIfAbsent(recordName(epoch), bytes),
  };
  const epoch = await nextEpoch(records, owner, options);
  const others = await epochsIn(lake);
  const newest = Math.max(epoch, ...others);
  if (newest !== epoch) throw supersededBy(lake.location, newest);
  await Promise.all(others.filter((other) => other < epoch).map((other) => lake.remove(recordName(other))));
  return epoch;
}

async function epochsIn(lake: Storage): Promise<number[]> {
  return (await lake.list(STAGING_DIRECTORY)).flatMap((name) => epochOfRecord(name) ?? []);
}

/** Writes as the owner of an epoch. */
export class S3EpochWriter implements StorageWriter {
  readonly #target: Storage;

  constructor(
    private readonly storages: Record<LakePart, Storage>,
    part: LakePart,
    private readonly epoch: number,
  ) {
    this.#target = storages[part];
  }

  put(name: string, bytes: Uint8Array, options?: Parameters<Storage['put']>[2]): Promise<void> {
    return this.#asOwner(name, () => this.#target.put(name, bytes, options));
  }

  putFile(name: string, path: string): Promise<void> {
    return this.#asOwner(name, () => this.#target.putFile(name, path));
  }

  putIfAbsent(name: string, bytes: Uint8Array): Promise<boolean> {
    return this.#asOwner(name, () => this.#target.putIfAbsent(name, bytes));
  }

  move(from: string, to: string): Promise<boolean> {
    return this.#target.move(from, to);
  }

  remove(name: string): Promise<void> {
    return this.#asOwner(name, () => this.#target.remove(name));
  }

  async #asOwner<T>(name: string, write: () => Promise<T>): Promise<T> {
    this.#target.locate(name);
    await this.look();
    return write();
  }

  protected look(): Promise<void> {
    return requireOwner(this.storages.lake, this.epoch);
  }
}

/** Of an attempt that has looked when it began. Its files have names of their own: one that comes late does no harm. */
export class AttemptWriter extends S3EpochWriter {
  protected override look(): Promise<void> {
    return Promise.resolve();
  }

  override async remove(name: string): Promise<void> {
    await super.look();
    await super.remove(name);
  }
}

/** NonRetryableError LandingConflict once a newer epoch was taken. */
export async function requireOwner(lake: Storage, epoch: number): Promise<void> {
  const record = recordName(epoch);
  if ((await lake.head(record))?.isFile === true) return;
  const newest = Math.max(0, ...(await epochsIn(lake)));
  if (newest > epoch) throw supersededBy(lake.location, newest);
  throw new NonRetryableError(
    'LakeMismatch',
    `${lake.locate(record)}, by which one landing keeps another from writing, was removed, and no other landing has opened the ` +
      'lake since: somebody has, or the lake was moved. Put it back if it was; nothing is lost. Start the landing again, which makes ' +
      'the record anew: npm run orders -- start',
  );
}
