import type { Attempt, LakeFile, NewLedgerEntry, OrdersLake, Storage, Telemetry } from '../../../ports';
import type { DamagedFile } from '../../../domain/damaged';
import { NonRetryableError } from '../../../domain/errors';
import { ORDERS } from '../../../domain/table/orders';
import { partName } from '../files';
import {
  confirm,
  ensureIdentity,
  refuseNested,
  appendEntry,
  beginning,
  findCommitted,
  hashOfEntry,
  lastEntry,
  readEntry,
  SequenceTaken,
  UnreadableEntry,
  checkpointLedger,
  LakeLog,
  PARTS,
  Patrol,
  refuseShortened,
  setAside,
} from '../ledger';
import { LiveFiles, stillDamaged } from '../reading';
import { openStorage, type StorageOptions } from '../storage';
import { findLanded, findQuarantined } from './lookup';
import type { Compression } from './parquet-writer';
import { completeReplay, type Superseding } from './replay';
import { removeOthers, cleanUp } from './cleanup';
import { mergeNext, mergeProblem } from './merge-next';
import { completeMerge, type MergeEntry } from './swap';
import { writeBatchFiles } from './write-files';

/** The lake's quarantine is beside it, with `_quarantine` added to the name. Directories are made by `ensure()`. */
export interface OrdersLakeOptions extends StorageOptions {
  compression: Compression;
}

/** The lake in its storage. It keeps what it has read of the log, and where its patrol is: any number may be made for one lake. */
export function createOrdersLake(
  { compression, ...where }: OrdersLakeOptions,
  { log: logger, trace }: Telemetry,
): OrdersLake {
  const storage = openStorage(where);
  const { lake, quarantine } = storage;
  const log = new LakeLog(lake);
  const files = new LiveFiles(storage, log);
  const patrol = new Patrol(storage, log);
  return {
    ensure: () => storage.probe(),

    async open({ landed = {}, accept = false, onlyOwn = false, ...owner }) {
      await refuseNested(storage);
      await storage.probe();
      const epoch = await storage.takeEpoch(owner, { above: await epochInLedger(lake), onlyOwn });
      // Nobody else can add to the ledger or the dates any more: what is seen from here on stays so.
      const last = await lastEntry(lake);
      if (accept) await setAside(storage, last);
      else await refuseShortened(storage, last, landed);
      const identity = await ensureIdentity(lake, storage.writer('lake', epoch));
      const missing = last === undefined ? [] : await complete(epoch, last);
      const damaged = [...(await stillDamaged(storage, last?.damaged ?? [])), ...missing];
      const hash = last === undefined ? undefined : await hashOfEntry(lake, last.sequence);
      const removed = await cleanUp(storage, epoch, last);
      if (removed.length > 0)
        logger.info('removed what attempts left behind', {
          lake: lake.location,
          files: removed.length,
          first: removed[0],
        });
      return { epoch, last, hash, identity, damaged, removed };
    },

    confirm: (known) => confirm(lake, known),

    beginning: (epoch, place) => beginning(lake, storage.writer('lake', epoch), place),

    async writeBatch(batch, { accepted, quarantined }, { signal, again = false, hiddenFor, mostFiles }) {
      const entry = hiddenFor ?? batch.sequence;
      const refuseCommitted = async () => {
        const there = hiddenFor === undefined ? findCommitted(lake, batch) : readEntry(lake, entry);
        if ((await there) !== undefined) throw lateAttempt(entry);
      };
      return withAttempt(batch.epoch, entry, async (attempt) => {
        await refuseCommitted();
        const { renames } = lake;
        const beforeReplacing = refuseCommitted;
        const how = { signal, compression, beforeReplacing, hiddenFor, renames, mostFiles, trace };
        const written = await writeBatchFiles(attempt, batch, { accepted, quarantined }, how);
        if (again && hiddenFor === undefined) {
          await refuseCommitted();
          await removeAllBut(attempt, batch.sequence, written);
        }
        return written;
      });
    },

    findLanded: (batches, orders) => findLanded({ storage, files }, ORDERS, batches, orders),

    findQuarantined: (batches, rows) => findQuarantined({ storage, files }, ORDERS, batches, rows),

    stillDamaged: (files) => stillDamaged(storage, files),

    async patrol(newest, known) {
      const still = await stillDamaged(storage, known);
      const found = (await patrol.step(newest)).filter((one) => !still.some(({ file }) => file === one.file));
      return [...still, ...found];
    },

    filesOf: (batch) => files.ofBatch(batch),

    async discard(batch) {
      await withAttempt(batch.epoch, batch.sequence, async (attempt) => {
        if ((await findCommitted(lake, batch)) !== undefined) throw lateAttempt(batch.sequence);
        await removeAllBut(attempt, batch.sequence, { files: [], quarantineFiles: [] });
      });
    },

    async rowsOf({ sequence }) {
      const rows = await files.rowsOf(sequence);
      return { landed: rows.lake, quarantined: rows.quarantine };
    },

    async entry(sequence) {
      try {
        return await readEntry(lake, sequence);
      } catch (error) {
        if (!(error instanceof UnreadableEntry)) throw error;
        throw new NonRetryableError('BatchNotLandable', `${error.message} Restore it from a backup`, {
          cause: error,
        });
      }
    },

    /** By the log: a file may be gone, which is why its batch is to be landed again. */
    async batchesOf({ from, to }) {
      const state = await log.state();
      const batches = new Set<number>();
      for (const part of PARTS) {
        for (const [directory, ofDate] of state[part]) {
          const date = directory.slice('date='.length);
          if (date < from || date > to) continue;
          for (const { batches: ranges } of ofDate.values())
            for (const [first, last] of ranges)
              for (let batch = first; batch <= last; batch += 1) batches.add(batch);
        }
      }
      return [...batches].sort((a, b) => a - b);
    },

    lastEntry: () => lastEntry(lake),

    findCommitted: (batch) => findCommitted(lake, batch),

    async commit(entry) {
      const writer = storage.writer('lake', entry.epoch);
      let hash: string;
      try {
        hash = await appendEntry(lake, writer, entry);
      } catch (error) {
        // Only then: under a newer epoch the same offsets may be landed by its owner, into files of the same names.
        if (error instanceof SequenceTaken) await removeOwnFiles(entry);
        throw error;
      }
      await storage.closeAttempts(entry.epoch, entry.sequence);
      // Another attempt at a merge may have made other bytes of the same inputs.
      const stands = entry.merged === undefined ? entry : await readEntry(lake, entry.sequence);
      await complete(entry.epoch, stands ?? entry);
      return { hash };
    },

    mergeNext: (options) => mergeNext(storage, log, options),

    mergeProblem: (merge) => mergeProblem(storage, log, merge),

    checkpoint: ({ signal }) => checkpointLedger(lake, log, signal),
  };

  /** Shows what the ledger's last entry says, if that is not done yet. As an attempt at the entry after it, which shuts this one out. */
  async function complete(epoch: number, entry: Superseding & MergeEntry): Promise<DamagedFile[]> {
    if (entry.supersedes === undefined && entry.merged === undefined) return [];
    const next = entry.sequence + 1;
    return withAttempt(epoch, next, async (attempt) => {
      if ((await readEntry(lake, next)) !== undefined) throw lateAttempt(next);
      return [
        ...(await completeReplay(storage, log, attempt, entry)),
        ...(await completeMerge(storage, attempt, entry)),
      ];
    });
  }

  /** Removes a batch's files but those given, in lake and quarantine. */
  async function removeAllBut(
    attempt: Attempt,
    sequence: number,
    { files, quarantineFiles }: Pick<NewLedgerEntry, 'files' | 'quarantineFiles'>,
  ): Promise<void> {
    await removeOthers(lake, attempt.writer('lake'), sequence, files);
    await removeOthers(quarantine, attempt.writer('quarantine'), sequence, quarantineFiles);
  }

  /** Runs `use` as one attempt at an entry's files. */
  async function withAttempt<T>(
    epoch: number,
    sequence: number,
    use: (attempt: Attempt) => Promise<T>,
  ): Promise<T> {
    const attempt = await storage.beginAttempt(epoch, sequence);
    try {
      return await use(attempt);
    } finally {
      await attempt.end();
    }
  }

  /** The ranges are in a file's name, so none of these can be the other landing's. */
  async function removeOwnFiles(entry: NewLedgerEntry): Promise<void> {
    if (!lake.renames) return;
    const name = partName(entry);
    const own = (file: LakeFile): boolean => file.path.endsWith(`/${name}`);
    for (const file of entry.files.filter(own)) await lake.remove(file.path);
    for (const file of entry.quarantineFiles.filter(own)) await quarantine.remove(file.path);
  }
}

/** Of its newest entry; an unreadable one is told later. */
async function epochInLedger(lake: Storage): Promise<number> {
  try {
    return (await lastEntry(lake))?.epoch ?? 0;
  } catch (error) {
    if (error instanceof UnreadableEntry) return 0;
    throw error;
  }
}

/** Not a non-retryable error: if this attempt were the one that counts, the batch would not be committed. */
function lateAttempt(sequence: number): Error {
  return new Error(`Entry ${sequence} of the ledger was written by another attempt; this one came too late.`);
}
