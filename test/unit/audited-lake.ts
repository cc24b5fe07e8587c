/** A lake of three batches, fresh for each test of the suite that imports this, and ways to harm it. */
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { OrdersLake } from '../../ports';
import { createOrdersLake } from '../../adapters/lake/writing';
import { auditLake } from '../../reconcile/audit';
import {
  accepted,
  batch,
  entryFor,
  openLake,
  quarantined,
  temporaryDirectory,
  write,
  storageAt,
} from '../helpers/lake';
import { SILENT } from '../helpers/telemetry';

let remove: () => Promise<void>;
export let path: string;
export let lake: OrdersLake;

/** Three batches: two dates in the first, a row in quarantine in the second, nothing but a marker in the third. */
beforeEach(async () => {
  const directory = await temporaryDirectory();
  remove = directory.remove;
  path = join(directory.path, 'lake');
  lake = createOrdersLake({ path, compression: 'snappy' }, SILENT);
  await openLake(lake);
  await land(1, { accepted: [accepted(1), accepted(2, { createdAt: '2025-11-19T00:00:00Z' })] });
  await land(2, { accepted: [accepted(3)], quarantined: [quarantined('{}', { offset: 12 })] });
  await land(3, {});
});

afterEach(() => remove());

export async function land(
  sequence: number,
  rows: Partial<Parameters<OrdersLake['writeBatch']>[1]>,
): Promise<void> {
  const identity = batch(sequence);
  await lake.commit(
    entryFor(identity, await write(lake, identity, { accepted: [], quarantined: [], ...rows })),
  );
}

export const entryPath = (sequence: number) =>
  join(path, '_ledger', `${String(sequence).padStart(10, '0')}.json`);
export type Json = Record<string, unknown>;
const readEntry = (sequence: number) => JSON.parse(readFileSync(entryPath(sequence), 'utf8')) as Json;

/** Rewrites an entry, and those after it so that the chain holds: as one who hides a change would. */
export function edit(sequence: number, change: (entry: Json) => void, rechain = true): void {
  const entry = readEntry(sequence);
  change(entry);
  writeFileSync(entryPath(sequence), JSON.stringify(entry));
  const following = `${String(sequence + 1).padStart(10, '0')}.json`;
  if (rechain && readdirSync(join(path, '_ledger')).includes(following)) {
    const previousHash = createHash('sha256')
      .update(readFileSync(entryPath(sequence)))
      .digest('hex');
    edit(sequence + 1, (next) => (next['previousHash'] = previousHash));
  }
}

/** Appends an entry by hand, with fields that the adapter may not write yet. */
export function append(sequence: number, fields: Json): void {
  const previousHash = createHash('sha256')
    .update(readFileSync(entryPath(sequence - 1)))
    .digest('hex');
  writeFileSync(
    entryPath(sequence),
    JSON.stringify({ ...readEntry(sequence - 1), sequence, previousHash, ...fields }),
  );
}

export const partOf = (root: string, date: string, sequence: number) =>
  join(
    root,
    date,
    readdirSync(join(root, date)).find((name) => name.startsWith(`part-000000000${sequence}`))!,
  );

export async function problems(): Promise<string[]> {
  const result = await auditLake(storageAt(path));
  expect(result.clean).toBe(result.problems.length === 0);
  expect(result.problemCount).toBe(result.problems.length);
  return result.problems.map(({ kind, where, message }) => `${kind} ${where} ${message}`);
}

export const DAY = 'date=2025-11-18';
export const EMPTY = { read: 0, landed: 0, duplicate: 0, quarantined: 0, failures: {} };
