import { createHash } from 'node:crypto';
import fs from 'node:fs/promises';
import { join } from 'node:path';
import type { OrdersLake } from '../../../ports';
import { accepted, batch, contentsOf, entryFor, freshLake, quarantined, write } from '../../helpers/lake';

let remove: () => Promise<void>;
let path: string;
let lake: OrdersLake;

beforeEach(async () => {
  ({ remove, path, lake } = await freshLake());
});

afterEach(async () => {
  jest.restoreAllMocks();
  await remove();
});

const entryPath = (sequence: number) => join(path, '_ledger', `${String(sequence).padStart(10, '0')}.json`);

test('a new lake has no last entry', async () => {
  expect(await lake.lastEntry()).toBeUndefined();
});

test('entries form a chain, and the last one comes back whole', async () => {
  const written = await write(lake, batch(1), {
    accepted: [accepted(1)],
    quarantined: [quarantined('{}', { offset: 2 })],
  });
  const entry = {
    ...entryFor(batch(1), written),
    newestCreatedAt: '2025-11-18T10:00:00.123456Z',
    highWater: { '0': { createdAt: '2025-11-18T10:00:00.123456Z', orderId: '1' } },
  };
  await lake.commit(entry);
  const first = await lake.lastEntry();
  expect(first).toEqual({
    ...entry,
    ruleSetVersion: 1,
    previousHash: '',
    committedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as string,
  });

  await lake.commit(entryFor(batch(2)));
  const bytes = await fs.readFile(entryPath(1));
  expect(await lake.lastEntry()).toMatchObject({
    sequence: 2,
    previousHash: createHash('sha256').update(bytes).digest('hex'),
  });
});

test('the same entry again is success and changes nothing', async () => {
  await lake.commit(entryFor(batch(1)));
  const before = await contentsOf(path);
  await lake.commit(entryFor({ epoch: 1, sequence: 1, ranges: [{ partition: 0, from: '00', to: '010' }] }));
  await lake.commit(entryFor(batch(2)));
  await lake.commit(entryFor(batch(1)));
  expect(await contentsOf(path)).toMatchObject(before);
});

test('other ranges under a taken sequence are a conflict, and take their own files with them', async () => {
  const rows = { accepted: [accepted(1)], quarantined: [quarantined('{}')] };
  const own = await write(lake, batch(1), rows);
  const before = [await contentsOf(path), await contentsOf(`${path}_quarantine`)];
  const other = batch(1, 0, 7);
  const written = await write(lake, other, rows);
  await lake.commit(entryFor(batch(1), own));
  await expect(lake.commit(entryFor(other, written))).rejects.toMatchObject({
    type: 'LandingConflict',
    message: expect.stringMatching(
      /0000000001\.json holds batch 1 with the offsets 0: 0\.\.10, this one has 0: 0\.\.7/,
    ) as string,
  });
  const { '_ledger/0000000001.json': entry, ...after } = await contentsOf(path);
  expect(entry).toBeDefined();
  expect([after, await contentsOf(`${path}_quarantine`)]).toEqual(before);
});

test('the same offsets of another topic are a conflict; where one does not say which topic, they are not', async () => {
  await lake.commit(entryFor({ ...batch(1), topicId: 'old' }));
  await lake.commit(entryFor(batch(1)));
  await expect(lake.commit(entryFor({ ...batch(1), topicId: 'new' }))).rejects.toMatchObject({
    type: 'LandingConflict',
    message: expect.stringContaining('0: 0..10 of the topic with the id old') as string,
  });
});

test('of two at once with other ranges one wins, of two alike both succeed', async () => {
  const outcomes = await Promise.allSettled([
    lake.commit(entryFor(batch(1, 0, 5))),
    lake.commit(entryFor(batch(1, 0, 6))),
  ]);
  expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  await Promise.all([lake.commit(entryFor(batch(2))), lake.commit(entryFor(batch(2)))]);
  expect((await lake.lastEntry())?.sequence).toBe(2);
});

test('a missing entry before it is a mismatch', async () => {
  await expect(lake.commit(entryFor(batch(3)))).rejects.toMatchObject({
    type: 'LakeMismatch',
    message: expect.stringContaining('0000000002.json is missing') as string,
  });
});

test.each([
  ['not JSON', '{"sequence": 1,'],
  ['another shape', '{"sequence": "one", "ranges": []}'],
  ['an empty file', ''],
])('a corrupt entry is an error that names its file: %s', async (_name, text) => {
  await fs.writeFile(entryPath(1), text);
  await expect(lake.lastEntry()).rejects.toThrow(/_ledger\/0000000001\.json is not a ledger entry/);
  await expect(lake.commit(entryFor(batch(1)))).rejects.toThrow(
    /_ledger\/0000000001\.json is not a ledger entry/,
  );
});

test('an entry that cannot be written whole is not there at all', async () => {
  jest.spyOn(fs, 'link').mockRejectedValue(Object.assign(new Error('EIO: injected'), { code: 'EIO' }));
  await expect(lake.commit(entryFor(batch(1)))).rejects.toThrow('EIO');
  expect(await contentsOf(path)).toEqual({});
  jest.restoreAllMocks();
  await lake.commit(entryFor(batch(1)));
  expect((await lake.lastEntry())?.sequence).toBe(1);
});

test('a lake without entries begins where it was first opened, whatever Kafka has lost since', async () => {
  const first = { begin: { '0': '5', '1': '0' }, topicId: 'a' };
  expect(await lake.beginning(1, first)).toEqual(first);
  expect(await lake.beginning(1, { begin: { '0': '9', '1': '3' }, topicId: 'b' })).toEqual(first);
  expect(await lake.lastEntry()).toBeUndefined();
});

test('the last of many entries is found by names alone', async () => {
  await lake.commit(entryFor(batch(1)));
  for (let sequence = 2; sequence <= 2000; sequence++) await fs.copyFile(entryPath(1), entryPath(sequence));
  const last = await fs.readFile(entryPath(2000), 'utf8');
  await fs.writeFile(entryPath(2000), last.replace('"sequence": 1', '"sequence": 2000'));
  await fs.writeFile(join(path, '_ledger', 'notes.txt'), 'an orphan');
  const open = jest.spyOn(fs, 'open');
  expect(await lake.lastEntry()).toMatchObject({ sequence: 2000 });
  expect(open.mock.calls.map(([file]) => file)).toEqual([entryPath(2000)]);
});
