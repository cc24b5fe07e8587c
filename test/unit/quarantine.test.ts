import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { OrdersLake, QuarantinedRow } from '../../ports';
import { createOrdersLake } from '../../adapters/lake';
import { batchesOf, listQuarantine, showQuarantined } from '../../adapters/lake/reading/quarantine-reader';
import { batch, entryFor, openLake, quarantined, temporaryFolder, write } from '../helpers/lake';

const ORDER = '"customer_name":"a","restaurant_name":"b","item":"c","order_status":"PLACED"';
const order = (id: number, amount: number, day = '2025-11-18') =>
  `{"order_id":${id},${ORDER},"amount":${amount}.00,"created_at":"${day}T10:00:00.123456Z"}`;

// The command is a process of its own, which a busy machine starts slowly.
jest.setTimeout(60_000);

let remove: () => Promise<void>;
let path: string;
let lake: OrdersLake;

beforeAll(async () => {
  const folder = await temporaryFolder();
  remove = folder.remove;
  path = join(folder.path, 'lake');
  lake = createOrdersLake({ path, compression: 'snappy' });
  await openLake(lake);
  await land(1, [
    quarantined(order(1, 0), { offset: 3 }),
    quarantined(order(2, -1, '2025-11-19'), { offset: 4 }),
  ]);
  await land(2, [
    quarantined(order(3, 0), { offset: 12 }),
    quarantined('{"order_id":4,"amount":0.00,"created_at":"2025-11-18T11:00:00Z"}', { offset: 15, key: '4' }),
    quarantined(Buffer.from([0xff, 0x00, 0x7b]), { offset: 16, key: null }),
    quarantined('not \u001b[31m JSON', { offset: 17 }),
  ]);
  // Written and not committed: it may yet be written otherwise.
  await write(lake, batch(3), { accepted: [], quarantined: [quarantined(order(9, 0), { offset: 25 })] });
});
afterAll(() => remove());

async function land(sequence: number, rows: QuarantinedRow[]): Promise<void> {
  const written = await write(lake, batch(sequence), { accepted: [], quarantined: rows });
  await lake.commit(entryFor(batch(sequence), written));
}

test('the list counts committed rows by rule and day, and names them in the order of their offsets', async () => {
  const found = await listQuarantine(path, {}, 5);
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
    (await listQuarantine(path, filter, 50)).entries.map(({ orderId }) => orderId);
  expect(await ids({ rule: 'item_empty' })).toEqual(['4']);
  expect(await ids({ date: '2025-11-19' })).toEqual(['2']);
  expect(await ids({ partition: 0, from: '4', to: '15' })).toEqual(['2', '3']);
  expect(await ids({ partition: 1 })).toEqual([]);
  expect(await ids({ rule: 'amount_not_positive', date: '2025-11-18', partition: 0, from: '5' })).toEqual([
    '3',
    '4',
  ]);
  expect(await batchesOf(path, { rule: 'amount_not_positive' })).toEqual([1, 2]);
  expect(await batchesOf(path, { rule: 'malformed_json' })).toEqual([2]);
});

test('one row in full, with the message as it was', async () => {
  const [message, ...others] = await showQuarantined(path, 0, '15');
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
  expect((await showQuarantined(path, 0, '16'))[0]).toMatchObject({
    key: null,
    value: Buffer.from([0xff, 0, 0x7b]),
  });
  expect(await showQuarantined(path, 0, '25')).toEqual([]);
});

describe('the command', () => {
  const run = (...args: string[]) =>
    promisify(execFile)(
      process.execPath,
      ['--import', 'tsx', 'cli/main.ts', 'quarantine', ...args, '--lake', path],
      {
        cwd: join(__dirname, '../..'),
      },
    );

  test('prints lists, rows, bytes in hex, and nothing that a terminal obeys', async () => {
    const { stdout } = await run('list', '--rule', 'amount_not_positive', '--limit', '1');
    expect(stdout).toMatch(/^amount_not_positive +2025-11-18 +3$/m);
    expect(stdout).toMatch(/^ +1 +2025-11-18T10:00:00.123456Z +0 +3 +1 +amount_not_positive$/m);
    expect(stdout).toMatch(/^… and 3 more/m);
    expect((await run('show', '--partition', '0', '--offset', '16')).stdout).toMatch(/^value +0xff007b$/m);
    expect((await run('show', '--partition', '0', '--offset', '17')).stdout).toMatch(
      /^value +not \\x1b\[31m JSON$/m,
    );
  });

  test('says what is wrong with what it was asked', async () => {
    const stderr = (text: string) => ({ code: 1, stderr: expect.stringContaining(text) as string });
    await expect(run('list', '--rule', 'amount')).rejects.toMatchObject(stderr('It is one of order_id_null'));
    await expect(run('list', '--from', '1')).rejects.toMatchObject(stderr('name it with --partition'));
    await expect(run('show', '--partition', '0', '--offset', '5')).rejects.toMatchObject(
      stderr('holds no message'),
    );
  });
});

test('without a ledger all files count, and the list says so', async () => {
  rmSync(join(path, '_ledger'), { recursive: true });
  expect(await listQuarantine(path, {}, 50)).toMatchObject({ rows: 7, withoutLedger: true });
});
