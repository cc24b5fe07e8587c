import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type {
  AcceptedRow,
  LakeFile,
  NewLedgerEntry,
  OrdersLake,
  OwnedBatch,
  QuarantinedRow,
  Telemetry,
} from '../../ports';
import { LastingFailure } from '../../domain/errors';
import { ORDERS } from '../../domain/table/orders';
import { keyOf, microsOf } from '../../domain/table/table';
import type { Watermark } from '../../domain/watermark';
import { formatTimestamp } from '../../domain/watermark';
import {
  codeOf,
  makeFolder,
  sha256,
  writeDurably,
  dateFolder,
  foldersOf,
  hiddenName,
  partName,
  stagingOf,
  type LakeFolders,
  allParts,
  probeFolder,
} from './files';
import {
  orSuperseded,
  takeEpoch,
  confirm,
  ensureIdentity,
  refuseNested,
  appendEntry,
  beginning,
  findCommitted,
  hashOfEntry,
  lastEntry,
  readEntry,
  UnreadableEntry,
  presentBatches,
  Patrol,
  refuseShortened,
  setAside,
} from './ledger';
import { LiveFiles, stillDamaged } from './reading';
import {
  findLanded,
  findQuarantined,
  type Compression,
  encodeRows,
  encodeQuarantined,
  quarantineFolder,
  completeReplay,
  clearStaging,
  removeOthers,
  sweep,
} from './writing';

export { probeFolder } from './files';
export { createOversizedRows } from './writing';

export interface OrdersLakeOptions {
  /** The lake's folder; its quarantine is beside it, with `_quarantine` added to the name. Made by `ensure()`. */
  path: string;
  compression: Compression;
}

/** The lake in a folder of this machine's file system. It holds no state but where its patrol is: any number may be made for one folder. */
export function createOrdersLake({ path, compression }: OrdersLakeOptions, { log }: Telemetry): OrdersLake {
  const folders = foldersOf(path);
  const patrol = new Patrol(folders);
  const ensure = async () => {
    for (const folder of [folders.lake, folders.quarantine, folders.ledger]) await probeFolder(folder);
  };
  return {
    ensure,

    async open({ landed = {}, accept = false, onlyOwn = false, ...opener }) {
      await refuseNested(folders);
      await ensure();
      const epoch = await takeEpoch(folders, opener, onlyOwn);
      // Nobody else can add to the ledger or the dates any more: what is seen from here on stays so.
      const last = await lastEntry(folders.ledger);
      const via = stagingOf(folders.lake, epoch);
      if (accept) await setAside(folders, last);
      else await refuseShortened(folders, last, landed);
      const identity = await ensureIdentity(folders, via);
      const missing = last === undefined ? [] : await completeReplay(folders, epoch, last);
      const damaged = [...(await stillDamaged(last?.damaged ?? [])), ...missing];
      const hash = last === undefined ? {} : { hash: await hashOfEntry(folders.ledger, last.sequence) };
      const removed = await sweep(folders, epoch, last);
      if (removed.length > 0)
        log.info('removed what attempts left behind', {
          lake: path,
          files: removed.length,
          first: removed[0],
        });
      return { epoch, last, ...hash, identity, damaged, removed };
    },

    confirm: (known) => confirm(folders, known),

    beginning: (epoch, place) => beginning(folders.ledger, stagingOf(folders.lake, epoch), place),

    async writeBatch(batch, { accepted, quarantined }, { signal, again = false, hiddenFor, mostFiles }) {
      const refuseCommitted = async () => {
        if ((await findCommitted(folders.ledger, batch)) !== undefined) throw lateAttempt(batch);
      };
      const how =
        hiddenFor === undefined ? { signal, beforeReplacing: refuseCommitted } : { signal, hiddenFor };
      const encodedOrders = byFolder(inPositionOrder(accepted), (row) =>
        dateFolder(microsOf(ORDERS, row.order)!),
      );
      const encodedQuarantine = byFolder(inOffsetOrder(quarantined), (row) => quarantineFolder(ORDERS, row));
      const count = encodedOrders.length + encodedQuarantine.length;
      if (mostFiles !== undefined && count > mostFiles)
        throw new LastingFailure(
          'BatchTooWide',
          `the batch has rows for ${count} files, of at most ${mostFiles}`,
        );
      const files = await writeFiles(folders, folders.lake, batch, how, encodedOrders, (rows) => ({
        bytes: encodeRows(ORDERS, rows, compression),
        ...ends(rows),
      }));
      const quarantineFiles = await writeFiles(
        folders,
        folders.quarantine,
        batch,
        how,
        encodedQuarantine,
        (rows) => ({
          bytes: encodeQuarantined(ORDERS, rows, compression),
        }),
      );
      if (again && hiddenFor === undefined) {
        await refuseCommitted();
        await removeOthers(folders, folders.lake, batch, files);
        await removeOthers(folders, folders.quarantine, batch, quarantineFiles);
      }
      return { files, quarantineFiles };
    },

    findLanded: (batches, orders) => findLanded(folders, ORDERS, batches, orders),

    findQuarantined: (batches, rows) => findQuarantined(folders, ORDERS, batches, rows),

    stillDamaged,

    async patrol(newest, known) {
      const still = await stillDamaged(known);
      const found = (await patrol.step(newest)).filter((one) => !still.some(({ file }) => file === one.file));
      return [...still, ...found];
    },

    filesOf: (batch) => new LiveFiles(folders).ofBatch(batch),

    async discard(batch) {
      await removeOthers(folders, folders.lake, batch, []);
      await removeOthers(folders, folders.quarantine, batch, []);
    },

    async rowsOf(batch) {
      const look = new LiveFiles(folders);
      const rows = async (kind: 'lake' | 'quarantine') => {
        const own = (await allParts(folders[kind])).filter(({ path: file }) =>
          file.endsWith(`/${partName(batch)}`),
        );
        return (await look.sort(kind, own)).live.reduce((sum, { listed }) => sum + listed.rows, 0);
      };
      return { landed: await rows('lake'), quarantined: await rows('quarantine') };
    },

    async entry(sequence) {
      try {
        return await readEntry(folders.ledger, sequence);
      } catch (error) {
        if (!(error instanceof UnreadableEntry)) throw error;
        throw new LastingFailure('BatchNotLandable', `${error.message} Restore it from a backup`, {
          cause: error,
        });
      }
    },

    /** By the ledger: a file may be gone, which is why its batch is to be landed again. */
    async batchesOf({ from, to }) {
      const batches = await presentBatches(folders.lake);
      const within = ({ path: file }: LakeFile) => {
        const date = file.slice('date='.length, file.indexOf('/'));
        return date >= from && date <= to;
      };
      return [...batches.values()]
        .filter(({ files, quarantineFiles }) => [...files, ...quarantineFiles].some(within))
        .map(({ sequence }) => sequence)
        .sort((a, b) => a - b);
    },

    lastEntry: () => lastEntry(folders.ledger),

    findCommitted: (batch) => findCommitted(folders.ledger, batch),

    async commit(entry) {
      let hash: string;
      try {
        hash = await appendEntry(folders.ledger, stagingOf(folders.lake, entry.epoch), entry);
      } catch (error) {
        if (error instanceof LastingFailure && error.type === 'LandingConflict') await removeOwnFiles(entry);
        throw await orSuperseded(error, folders, folders.lake, entry.epoch);
      }
      await completeReplay(folders, entry.epoch, entry);
      await clearStaging(folders, entry);
      return { hash };
    },
  };

  /** The ranges are in a file's name, so none of these can be the other landing's. */
  async function removeOwnFiles(entry: NewLedgerEntry): Promise<void> {
    const name = partName(entry);
    const own = (file: LakeFile): boolean => file.path.endsWith(`/${name}`);
    for (const file of entry.files.filter(own)) await rm(join(folders.lake, file.path), { force: true });
    for (const file of entry.quarantineFiles.filter(own)) {
      await rm(join(folders.quarantine, file.path), { force: true });
    }
  }
}

/**
 * By (position, key): the same whatever way the partitions were interleaved, tight minima and maxima in every
 * row group, and neighbours that differ little, which makes the files a third as large as in offset order.
 */
function inPositionOrder(rows: readonly AcceptedRow[]): AcceptedRow[] {
  const { keyAt, positionAt } = ORDERS;
  return [...rows].sort(({ order: a }, { order: b }) => {
    if (a[positionAt] !== b[positionAt]) return a[positionAt]! < b[positionAt]! ? -1 : 1;
    return a[keyAt]! < b[keyAt]! ? -1 : a[keyAt]! > b[keyAt]! ? 1 : 0;
  });
}

/** By (partition, offset), which every message has. */
function inOffsetOrder(rows: readonly QuarantinedRow[]): QuarantinedRow[] {
  return [...rows].sort(({ message: a }, { message: b }) => {
    if (a.partition !== b.partition) return a.partition - b.partition;
    return a.offset < b.offset ? -1 : a.offset > b.offset ? 1 : 0;
  });
}

function byFolder<T>(rows: readonly T[], folderOf: (row: T) => string): [folder: string, rows: T[]][] {
  const groups = new Map<string, T[]>();
  for (const row of rows) {
    const folder = folderOf(row);
    const group = groups.get(folder);
    if (group === undefined) groups.set(folder, [row]);
    else group.push(row);
  }
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1));
}

interface How {
  signal: AbortSignal;
  beforeReplacing?: () => Promise<void>;
  hiddenFor?: number;
}

/** One file a folder. Where one fails the rest is still waited for, so that no write outlives its attempt. */
async function writeFiles<T>(
  folders: LakeFolders,
  root: string,
  batch: OwnedBatch,
  how: How,
  groups: readonly [folder: string, rows: T[]][],
  encode: (rows: T[]) => { bytes: Uint8Array; first?: Watermark; last?: Watermark },
): Promise<LakeFile[]> {
  const name = partName(batch);
  const via = stagingOf(root, batch.epoch);
  const encoded = groups.map(([folder, rows]) => ({ folder, rows: rows.length, ...encode(rows) }));
  const outcomes = await Promise.allSettled(
    encoded.map(({ folder, bytes }) => writeInto(join(root, folder), name, bytes, { via, ...how })),
  );
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined)
    throw refusedName(await orSuperseded(failed.reason, folders, root, batch.epoch), batch);
  return encoded.map(({ folder, rows, bytes, ...positions }) => ({
    path: `${folder}/${name}`,
    rows,
    bytes: bytes.length,
    sha256: sha256(bytes),
    ...positions,
  }));
}

async function writeInto(
  folder: string,
  name: string,
  bytes: Uint8Array,
  { signal, hiddenFor, ...options }: How & { via: string },
): Promise<void> {
  signal.throwIfAborted();
  // Where the whole lake is gone, or another landing owns it, no folder is to appear.
  await stat(options.via);
  await makeFolder(folder);
  await writeDurably(folder, hiddenFor === undefined ? name : hiddenName(name, hiddenFor), bytes, options);
}

/** What a file system says of a name that it will never take; anything else may pass. */
const REFUSED_NAMES = new Set(['ENAMETOOLONG', 'EILSEQ', 'EINVAL']);

function refusedName(error: unknown, { sequence }: OwnedBatch): unknown {
  if (!REFUSED_NAMES.has(codeOf(error) ?? '')) return error;
  return new LastingFailure(
    'BatchNotLandable',
    `batch ${sequence}: the lake's file system refuses a file's name: ${String(error)}`,
    { cause: error },
  );
}

/** Not a lasting failure: if this attempt were the one that counts, the batch would not be committed. */
function lateAttempt({ sequence }: OwnedBatch): Error {
  return new Error(`Batch ${sequence} is committed with other contents; this attempt came too late.`);
}

function ends(rows: readonly AcceptedRow[]): { first: Watermark; last: Watermark } {
  return { first: positionOf(rows[0] as AcceptedRow), last: positionOf(rows.at(-1) as AcceptedRow) };
}

function positionOf({ order }: AcceptedRow): Watermark {
  return { createdAt: formatTimestamp(microsOf(ORDERS, order)!), orderId: String(keyOf(ORDERS, order)) };
}
