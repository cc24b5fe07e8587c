import fs from 'node:fs/promises';
import type { OrdersLake, OwnedBatch } from '../../../ports';
import { createOrdersLake } from '../../../adapters/lake/writing';
import { queryLake } from '../../../adapters/lake/reading/reader';
import {
  accepted,
  batch,
  contentsOf,
  entryFor,
  freshLake,
  openLake,
  quarantined,
  write,
  storageAt,
} from '../../helpers/lake';
import { SILENT } from '../../helpers/telemetry';

let root: string;
let remove: () => Promise<void>;
let path: string;
let lake: OrdersLake;

const YESTERDAY = { createdAt: '2025-11-17T10:00:00Z' };
const old = { accepted: [accepted(1), accepted(2, YESTERDAY)], quarantined: [quarantined('{}')] };
const renewed = { accepted: [accepted(1), accepted(3)], quarantined: [] };

beforeEach(async () => {
  ({ root, remove, path, lake } = await freshLake());
  await lake.commit(entryFor(batch(1), await write(lake, batch(1), old)));
});
afterEach(async () => {
  jest.restoreAllMocks();
  await remove();
});

async function ids(): Promise<number[]> {
  return (await queryLake(storageAt(path), 'SELECT order_id::INTEGER FROM files ORDER BY 1')).map(([id]) =>
    Number(id),
  );
}

/** Lands batch 1 again, hidden, and returns the entry that supersedes it. */
async function landAgain(from: OwnedBatch = batch(1)) {
  const signal = new AbortController().signal;
  const written = await lake.writeBatch(from, renewed, { signal, hiddenFor: 2 });
  return { ...entryFor(from, written), sequence: 2, supersedes: 1 };
}

test('until its entry is there a replay shows nothing, afterwards only the new rows', async () => {
  const entry = await landAgain();
  expect(await ids()).toEqual([1, 2]);
  await lake.commit(entry);
  expect(await ids()).toEqual([1, 3]);
  expect(Object.keys(await contentsOf(root))).toEqual([
    'lake/_ledger/0000000001.json',
    'lake/_ledger/0000000002.json',
    expect.stringMatching(/^lake\/date=2025-11-18\/part-0000000001-[0-9a-f]{12}\.parquet$/),
  ]);
  await lake.commit(entry); // once more, as a retry does
  expect(await ids()).toEqual([1, 3]);
});

test('one that dies before its entry leaves nothing; after its entry whoever comes next completes it', async () => {
  await landAgain();
  await openLake(lake);
  expect(await ids()).toEqual([1, 2]);
  expect(Object.keys(await contentsOf(root)).filter((name) => name.includes('.r000'))).toEqual([]);

  const entry = { ...(await landAgain({ ...batch(1), epoch: 2 })), epoch: 2 };
  jest.spyOn(fs, 'rename').mockRejectedValueOnce(new Error('killed'));
  await expect(lake.commit(entry)).rejects.toThrow('killed');
  expect(await ids()).toEqual([1, 2]);
  expect((await openLake(createOrdersLake({ path, compression: 'snappy' }, SILENT))).last?.supersedes).toBe(
    1,
  );
  expect(await ids()).toEqual([1, 3]);
});

test('looks at the files of all other batches for duplicates', async () => {
  await lake.commit(
    entryFor(batch(2), await write(lake, batch(2), { accepted: [accepted(3)], quarantined: [] })),
  );
  const orders = [accepted(1).order, accepted(3).order];
  expect([...(await lake.findLanded({ except: 1 }, orders)).indexes]).toEqual([1]);
  expect(await lake.rowsOf(batch(1))).toEqual({ landed: 2, quarantined: 1 });
  expect(await lake.batchesOf({ from: '2025-11-17', to: '2025-11-17' })).toEqual([1]);
  expect(await lake.batchesOf({ from: '2025-11-17', to: '2025-11-18' })).toEqual([1, 2]);
});
