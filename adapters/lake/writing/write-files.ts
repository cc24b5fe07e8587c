/** The files of a batch: which rows go into which, in what order, and how each is written. */
import type {
  AcceptedRow,
  Attempt,
  LakeFile,
  OwnedBatch,
  QuarantinedRow,
  StorageWriter,
  Trace,
} from '../../../ports';
import { NonRetryableError } from '../../../domain/errors';
import { ORDERS } from '../../../domain/table/orders';
import { keyOf, microsOf } from '../../../domain/table/table';
import { formatTimestamp, type Watermark } from '../../../domain/watermark';
import { codeOf } from '../../shared/error-code';
import { dateDirectory, hiddenName, partName, sha256 } from '../files';
import { encodeRows, type Compression } from './parquet-writer';
import { encodeQuarantined, quarantineDirectory } from './quarantine-writer';

interface How {
  signal: AbortSignal;
  compression: Compression;
  /** Called before a file with other bytes is replaced; may throw to keep it. */
  beforeReplacing?: () => Promise<void>;
  /** The entry of a replay, whose files stay hidden until it is there, where there are renames. */
  hiddenFor?: number;
  /** Without them nothing can be replaced or shown later: files have names by their content, and nobody sees one that no entry lists. */
  renames: boolean;
  mostFiles?: number;
  trace: Trace;
}

/** One file a date. NonRetryableError BatchTooWide, with nothing written, where those are more than `mostFiles`. */
export async function writeBatchFiles(
  attempt: Attempt,
  batch: OwnedBatch,
  { accepted, quarantined }: { accepted: readonly AcceptedRow[]; quarantined: readonly QuarantinedRow[] },
  how: How,
): Promise<{ files: LakeFile[]; quarantineFiles: LakeFile[] }> {
  const { compression, mostFiles = Infinity } = how;
  const orders = byDirectory(inPositionOrder(accepted), ({ order }) =>
    dateDirectory(microsOf(ORDERS, order)!),
  );
  const failed = byDirectory(inOffsetOrder(quarantined), (row) => quarantineDirectory(ORDERS, row));
  const count = orders.length + failed.length;
  if (count > mostFiles)
    throw new NonRetryableError(
      'BatchTooWide',
      `the batch has rows for ${count} files, of at most ${mostFiles}`,
    );
  const files = await writeFiles(attempt.writer('lake'), batch, how, orders, (rows) => ({
    bytes: encodeRows(ORDERS, rows, compression),
    ...ends(rows),
  }));
  const quarantineFiles = await writeFiles(attempt.writer('quarantine'), batch, how, failed, (rows) => ({
    bytes: encodeQuarantined(ORDERS, rows, compression),
  }));
  return { files, quarantineFiles };
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

function byDirectory<T>(
  rows: readonly T[],
  directoryOf: (row: T) => string,
): [directory: string, rows: T[]][] {
  const groups = new Map<string, T[]>();
  for (const row of rows) {
    const directory = directoryOf(row);
    const group = groups.get(directory);
    if (group === undefined) groups.set(directory, [row]);
    else group.push(row);
  }
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** One file a directory. Where one fails the rest is still waited for, so that no write outlives its attempt. */
async function writeFiles<T>(
  writer: StorageWriter,
  batch: OwnedBatch,
  { signal, hiddenFor, renames, beforeReplacing, trace }: How,
  groups: readonly [directory: string, rows: T[]][],
  encode: (rows: T[]) => { bytes: Uint8Array; first?: Watermark; last?: Watermark },
): Promise<LakeFile[]> {
  const encoded = groups.map(([directory, rows]) => {
    const { bytes, ...positions } = encode(rows);
    const hash = sha256(bytes);
    const name = renames ? partName(batch) : partName(batch, hash);
    const listed = { path: `${directory}/${name}`, rows: rows.length, bytes: bytes.length, sha256: hash };
    const written = renames && hiddenFor !== undefined ? hiddenName(name, hiddenFor) : name;
    return { bytes, written: `${directory}/${written}`, file: { ...listed, ...positions } };
  });
  const outcomes = await Promise.allSettled(
    encoded.map(async ({ written, bytes }) => {
      signal.throwIfAborted();
      await trace.step('put', () => writer.put(written, bytes, { beforeReplacing }));
    }),
  );
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) throw refusedName(failed.reason, batch);
  return encoded.map(({ file }) => file);
}

/** What a file system says of a name that it will never take; anything else may pass. */
const REFUSED_NAMES = new Set(['ENAMETOOLONG', 'EILSEQ', 'EINVAL']);

function refusedName(error: unknown, { sequence }: OwnedBatch): unknown {
  if (!REFUSED_NAMES.has(codeOf(error) ?? '')) return error;
  return new NonRetryableError(
    'BatchNotLandable',
    `batch ${sequence}: the lake's file system refuses a file's name: ${String(error)}`,
    { cause: error },
  );
}

function ends(rows: readonly AcceptedRow[]): { first: Watermark; last: Watermark } {
  return { first: positionOf(rows[0] as AcceptedRow), last: positionOf(rows.at(-1) as AcceptedRow) };
}

function positionOf({ order }: AcceptedRow): Watermark {
  return { createdAt: formatTimestamp(microsOf(ORDERS, order)!), orderId: String(keyOf(ORDERS, order)) };
}
