/** A lake in a bucket: what differs from one in a directory, and that landing, look-ups and replays come to the same. */
import type { AcceptedRow, LakeStorage, OrdersLake, OwnedBatch } from '../../../ports';
import { openStorage, queryLake, summary } from '../../../adapters/lake/reading';
import { createOrdersLake } from '../../../adapters/lake/writing';
import { accepted, batch, entryFor, openLake, quarantined, write } from '../../helpers/lake';
import { freshS3 } from '../../helpers/s3';
import { s3Front, type S3Front } from '../../helpers/s3-front';
import { SILENT } from '../../helpers/telemetry';

const CONFLICT = { type: 'LandingConflict' };
const none = { accepted: [], quarantined: [] };

let place: ReturnType<typeof freshS3>;
let lake: OrdersLake;
let storage: LakeStorage;
let front: S3Front | undefined;

beforeEach(async () => {
  place = freshS3();
  lake = createOrdersLake({ ...place, compression: 'snappy' }, SILENT);
  storage = openStorage(place);
  await openLake(lake);
});
afterEach(() => front?.close());

const another = () => createOrdersLake({ ...place, compression: 'snappy' }, SILENT);
const rows = (...ids: number[]) => ({ accepted: ids.map((id) => accepted(id)), quarantined: [] });
const ids = async () =>
  (await queryLake(storage, 'SELECT order_id::INTEGER FROM files ORDER BY 1')).map(([id]) => Number(id));
const filesOf = (date = 'date=2025-11-18') => storage.lake.list(date);

async function land(of: OwnedBatch, ...given: number[]): Promise<void> {
  await lake.commit(entryFor(of, await write(lake, of, rows(...given))));
}

async function landed(sequence: number, orders: AcceptedRow[]): Promise<number[]> {
  const found = await lake.findLanded(
    { before: sequence },
    orders.map(({ order }) => order),
  );
  return [...found.indexes].sort();
}

test('what was landed is found, counted and gone on from, by others too', async () => {
  await land(batch(1), 1, 2);
  const failed = { accepted: [accepted(3)], quarantined: [quarantined('{not json', { offset: 15 })] };
  await lake.commit(entryFor(batch(2), await write(lake, batch(2), failed)));
  expect(await landed(3, [accepted(9), accepted(2), accepted(3)])).toEqual([1, 2]);
  const { indexes } = await lake.findQuarantined({ before: 3 }, failed.quarantined);
  expect([...indexes]).toEqual([0]);
  expect(await summary(storage)).toMatchObject({ rows: 3, files: 2, quarantined: { rows: 1, files: 1 } });
  const { last, epoch, identity, removed } = await openLake(another());
  expect({ sequence: last?.sequence, epoch, removed }).toEqual({ sequence: 2, epoch: 2, removed: [] });
  expect(await lake.confirm({ lake: identity, sequence: 2 })).toEqual(identity);
  expect(await lake.patrol(2, [])).toEqual([]);
});

test('two attempts write files of their own; those that no entry lists are nobody’s', async () => {
  const first = await write(lake, batch(1), rows(1));
  const second = await write(lake, batch(1), rows(1, 2), { again: true });
  expect(await write(lake, batch(1), rows(1, 2), { again: true })).toEqual(second);
  expect(first.files[0]?.path).not.toBe(second.files[0]?.path);
  expect(await filesOf()).toHaveLength(2);
  expect(await ids()).toEqual([]);
  await lake.commit(entryFor(batch(1), second));
  expect(await ids()).toEqual([1, 2]);
  // As a zombie's would: the entry stands.
  await lake.commit(entryFor(batch(1), first));
  await openLake(another());
  expect(await filesOf()).toHaveLength(2);
  expect(await ids()).toEqual([1, 2]);
  expect(await another().findLanded({ before: 2 }, [accepted(2).order])).toEqual({
    indexes: new Set([0]),
    damaged: [],
  });
  await expect(write(lake, { ...batch(1), epoch: 2 }, rows(3))).rejects.toThrow('came too late');
});

test('an entry whose answer was lost is ours, and one that another wrote meanwhile is not', async () => {
  front = await s3Front(place.s3.endpoint);
  const s3 = { ...place.s3, endpoint: front.url };
  const through = createOrdersLake({ ...place, s3, compression: 'snappy' }, SILENT);
  front.next('answer lost', { method: 'PUT', key: /_ledger/ });
  const written = await write(through, batch(1), rows(1));
  const { hash } = await through.commit(entryFor(batch(1), written));
  expect(await lake.commit(entryFor(batch(1), written))).toEqual({ hash });
  await expect(lake.commit(entryFor(batch(1, 0, 5)))).rejects.toMatchObject(CONFLICT);
});

test('an owner that was overtaken writes nothing more; what it sent before is gone on from', async () => {
  await land(batch(1), 1);
  const late = await write(lake, batch(2), rows(2));
  const { epoch } = await openLake(another());
  await expect(write(lake, batch(2), rows(2))).rejects.toMatchObject(CONFLICT);
  await expect(lake.commit(entryFor(batch(2), late))).rejects.toMatchObject(CONFLICT);
  const mine = { ...batch(2), epoch };
  await lake.commit(entryFor(mine, await write(lake, mine, rows(2, 3))));
  expect(await ids()).toEqual([1, 2, 3]);
});

test('a replay takes the place of a batch with its entry, and not before', async () => {
  await land(batch(1), 1, 2);
  await land(batch(2), 4);
  const signal = new AbortController().signal;
  const written = await lake.writeBatch(batch(1), rows(1, 3), { signal, hiddenFor: 3 });
  expect(await ids()).toEqual([1, 2, 4]);
  const entry = { ...entryFor(batch(1), written), sequence: 3, supersedes: 1 };
  for (let again = 0; again < 2; again += 1) await lake.commit(entry);
  expect(await ids()).toEqual([1, 3, 4]);
  expect(await landed(4, [accepted(2), accepted(3)])).toEqual([1]);
  expect(await lake.rowsOf(batch(1))).toEqual({ landed: 2, quarantined: 0 });
  await storage.lake.remove(written.files[0]?.path ?? '');
  expect((await openLake(another())).damaged).toMatchObject([{ batch: 1, problem: 'is missing' }]);
  expect((await lake.filesOf(1)).lost).toEqual(written.files);
});

test('a batch without rows, and one that failed, leave no file', async () => {
  await lake.commit(entryFor(batch(1), await write(lake, batch(1), none)));
  await lake.discard(batch(2));
  expect(await storage.lake.list('')).toEqual(['_ledger', '_staging']);
});
