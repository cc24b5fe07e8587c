import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { batchesOf, listQuarantine, showQuarantined } from '../../adapters/lake/reading/quarantine-reader';
import { quarantinedLake } from '../helpers/quarantined-lake';
import { storageAt } from '../helpers/lake';

let path: string;
let remove: () => Promise<void>;
beforeAll(async () => ({ path, remove } = await quarantinedLake()));
afterAll(() => remove());

test('the list counts committed rows by rule and day, and names them in the order of their offsets', async () => {
  const found = await listQuarantine(storageAt(path), {}, 5);
  expect(found).toMatchObject({ rows: 6, withoutLedger: false });
  expect(found.summary.filter(({ rule }) => !rule.endsWith('_empty'))).toEqual([
    { rule: 'amount_not_positive', date: '2025-11-18', rows: 3 },
    { rule: 'amount_not_positive', date: '2025-11-19', rows: 1 },
    { rule: 'malformed_json', date: '2025-11-18', rows: 2 },
  ]);
  expect(found.entries.map(({ orderId, offset, batch: of }) => [orderId, offset, of])).toEqual([
    ['1', '3', 1],
    ['2', '4', 1],
    ['3', '12', 2],
    ['4', '15', 2],
    [null, '16', 2],
  ]);
  expect(found.entries[1]).toEqual({
    orderId: '2',
    failedRules: ['amount_not_positive'],
    partition: 0,
    offset: '4',
    batch: 1,
    createdAt: '2025-11-19T10:00:00.123456Z',
    file: expect.stringMatching(/^date=2025-11-19\/part-0000000001-/) as string,
  });
});

test('filters, alone and together, and the batches that hold what matches', async () => {
  const ids = async (filter: Parameters<typeof listQuarantine>[1]) =>
    (await listQuarantine(storageAt(path), filter, 50)).entries.map(({ orderId }) => orderId);
  expect(await ids({ rule: 'item_empty' })).toEqual(['4']);
  expect(await ids({ date: '2025-11-19' })).toEqual(['2']);
  expect(await ids({ partition: 0, from: '4', to: '15' })).toEqual(['2', '3']);
  expect(await ids({ partition: 1 })).toEqual([]);
  expect(await ids({ rule: 'amount_not_positive', date: '2025-11-18', partition: 0, from: '5' })).toEqual([
    '3',
    '4',
  ]);
  expect(await batchesOf(storageAt(path), { rule: 'amount_not_positive' })).toEqual([1, 2]);
  expect(await batchesOf(storageAt(path), { rule: 'malformed_json' })).toEqual([2]);
});

test('one row in full, with the message as it was', async () => {
  const [message, ...others] = await showQuarantined(storageAt(path), 0, '15');
  expect(others).toEqual([]);
  expect(message).toMatchObject({
    batch: 2,
    failedRules: expect.arrayContaining(['amount_not_positive', 'item_empty']) as string[],
    error: expect.stringContaining('amount is null or not above 0') as string,
    columns: { order_id: '4', item: null, amount: '0.00', created_at: '2025-11-18T11:00:00.000000Z' },
    kafkaTimestamp: '2025-11-18T09:59:59.000000Z',
    key: Buffer.from('4'),
    value: Buffer.from('{"order_id":4,"amount":0.00,"created_at":"2025-11-18T11:00:00Z"}'),
  });
  expect((await showQuarantined(storageAt(path), 0, '16'))[0]).toMatchObject({
    key: null,
    value: Buffer.from([0xff, 0, 0x7b]),
  });
  expect(await showQuarantined(storageAt(path), 0, '25')).toEqual([]);
});

test('without a ledger all files count, and the list says so', async () => {
  rmSync(join(path, '_ledger'), { recursive: true });
  expect(await listQuarantine(storageAt(path), {}, 50)).toMatchObject({ rows: 7, withoutLedger: true });
});
