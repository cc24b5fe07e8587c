import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type {
  AcceptedRow,
  LakeFile,
  LakeStorage,
  NewLedgerEntry,
  OrdersLake,
  OwnedBatch,
  QuarantinedRow,
} from '../../ports';
import { validate } from '../../messages';
import { rowOf, type Order } from './orders';
import { openStorage } from '../../adapters/lake/reading';
import { createOrdersLake } from '../../adapters/lake/writing';
import { parseTimestamp } from '../../domain/watermark';
import { SILENT } from './telemetry';

/** A directory of this test's own, and how to remove it. The name holds what shells, SQL and globs trip over. */
export async function temporaryDirectory(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), "orders lake's [x] *b? "));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** The storage of the lake in this directory, for readers. */
export function storageAt(path: string): LakeStorage {
  return openStorage({ path });
}

/** A lake in a temporary directory of its own, opened for the first time. `below`: its path in there. */
export async function freshLake(below = 'lake'): Promise<{
  root: string;
  remove: () => Promise<void>;
  path: string;
  lake: OrdersLake;
}> {
  const { path: root, remove } = await temporaryDirectory();
  const path = join(root, below);
  const lake = createOrdersLake({ path, compression: 'snappy' }, SILENT);
  await openLake(lake);
  return { root, remove, path, lake };
}

/** All files below a directory, relative, sorted, with their bytes in hex; temporary ones too, but not who opened the lake, and its id. */
export async function contentsOf(root: string): Promise<Record<string, string>> {
  const contents: Record<string, string> = {};
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile() || /_staging\/\d{10}\.json$|_ledger\/id$/.test(path)) continue;
    contents[path.slice(root.length + 1)] = (await readFile(path)).toString('hex');
  }
  return Object.fromEntries(Object.entries(contents).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Opens the lake as a new landing does; the first time this is epoch 1. */
export function openLake(lake: OrdersLake, scheduledAt = Date.now()): ReturnType<OrdersLake['open']> {
  return lake.open({ runId: 'a test', scheduledAt });
}

/** Writes a batch as its first attempt does, or as a later one. */
export function write(
  lake: OrdersLake,
  to: OwnedBatch,
  rows: { accepted: readonly AcceptedRow[]; quarantined: readonly QuarantinedRow[] },
  { again = false, signal = new AbortController().signal } = {},
): Promise<{ files: LakeFile[]; quarantineFiles: LakeFile[] }> {
  return lake.writeBatch(to, rows, { signal, again });
}

/** A batch of one partition's offsets, in the hands of whoever opened the lake first. */
export function batch(sequence: number, from = (sequence - 1) * 10, to = from + 10): OwnedBatch {
  return { epoch: 1, sequence, ranges: [{ partition: 0, from: String(from), to: String(to) }] };
}

/** A good row; give what matters to the test. */
export function accepted(
  orderId: number | bigint,
  fields: Partial<Omit<Order, 'createdAtMicros'>> & { createdAt?: string } = {},
): AcceptedRow {
  const { createdAt = '2025-11-18T10:00:00.123456Z', ...others } = fields;
  return {
    order: rowOf({
      orderId: BigInt(orderId),
      customerName: 'Alice',
      restaurantName: 'Spice Garden',
      item: 'Butter Chicken',
      amountHundredths: 35_000,
      orderStatus: 'DELIVERED',
      createdAtMicros: parseTimestamp(createdAt) as bigint,
      ...others,
    }),
  };
}

/** A row that fails for what its value holds. */
export function quarantined(
  value: string | Buffer | null,
  fields: { partition?: number; offset?: number; timestampMillis?: number; key?: string | null } = {},
): QuarantinedRow {
  const { partition = 0, offset = 0, timestampMillis = 1_763_459_999_000, key = 'k' } = fields;
  const message = {
    partition,
    offset: BigInt(offset),
    timestampMillis,
    key: key === null ? null : Buffer.from(key),
    value: typeof value === 'string' ? Buffer.from(value) : value,
  };
  const validation = validate(message);
  if (validation.accepted !== undefined) throw new Error(`not a failing value: ${String(value)}`);
  return { message, order: validation.order, failures: validation.failures };
}

/** A ledger entry for a batch, with the files it wrote. */
export function entryFor(
  identity: OwnedBatch,
  written: Pick<NewLedgerEntry, 'files' | 'quarantineFiles'> = { files: [], quarantineFiles: [] },
): NewLedgerEntry {
  const landed = written.files.reduce((sum, { rows }) => sum + rows, 0);
  const failed = written.quarantineFiles.reduce((sum, { rows }) => sum + rows, 0);
  const next = Object.fromEntries(identity.ranges.map(({ partition, to }) => [String(partition), to]));
  return {
    ...identity,
    ...written,
    next,
    reached: next,
    counts: { read: landed + failed, landed, duplicate: 0, quarantined: failed, failures: {} },
    highWater: {},
  };
}
