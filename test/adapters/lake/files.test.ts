import { createHash } from 'node:crypto';
import fs from 'node:fs/promises';
import { join } from 'node:path';
import type { AcceptedRow, OrdersLake } from '../../../ports';
import { validate } from '../../../messages';
import { createOrdersLake } from '../../../adapters/lake/writing';
import { queryLake, summary } from '../../../adapters/lake/reading/reader';
import { interleave, sampleMessages } from '../../../dev/orders/sample-messages';
import {
  accepted,
  batch,
  contentsOf,
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

beforeEach(async () => {
  ({ root, remove, path, lake } = await freshLake());
});

afterEach(() => remove());

const COLUMNS_AS_TEXT =
  "order_id::VARCHAR, customer_name, restaurant_name, item, amount::VARCHAR, order_status, strftime(make_timestamp(epoch_us(created_at)), '%Y-%m-%d %H:%M:%S.%f'), validation_status";

test('DuckDB reads every value as it was', async () => {
  const rows = [
    accepted(1, { amountHundredths: 10, createdAt: '2025-12-31T23:59:59.637356Z' }),
    accepted(2, {
      amountHundredths: 1999,
      customerName: '日本語 🍜',
      createdAt: '2025-12-31T23:59:59.637357Z',
    }),
    accepted(2n ** 63n - 1n, {
      amountHundredths: 9_999_999_999,
      customerName: 'say "hi", it\'s\t\\',
      restaurantName: 'a\nb\r\n\u2028c\u0000d',
      item: 'é'.repeat(255),
      createdAt: '2025-12-31T23:59:59.637358Z',
    }),
    accepted(-(2n ** 63n), { createdAt: '2025-12-31T23:59:59.637359Z' }),
  ];
  const { files } = await write(lake, batch(1), { accepted: rows, quarantined: [] });

  expect(files).toMatchObject([
    {
      path: expect.stringMatching(/^date=2025-12-31\/part-0000000001-[0-9a-f]{12}\.parquet$/) as string,
      rows: 4,
      first: { createdAt: '2025-12-31T23:59:59.637356Z', orderId: '1' },
      last: { createdAt: '2025-12-31T23:59:59.637359Z', orderId: '-9223372036854775808' },
    },
  ]);
  expect(
    await queryLake(storageAt(path), `SELECT ${COLUMNS_AS_TEXT} FROM files ORDER BY created_at`),
  ).toEqual([
    [
      '1',
      'Alice',
      'Spice Garden',
      'Butter Chicken',
      '0.10',
      'DELIVERED',
      '2025-12-31 23:59:59.637356',
      'SUCCESS',
    ],
    [
      '2',
      '日本語 🍜',
      'Spice Garden',
      'Butter Chicken',
      '19.99',
      'DELIVERED',
      '2025-12-31 23:59:59.637357',
      'SUCCESS',
    ],
    [
      '9223372036854775807',
      'say "hi", it\'s\t\\',
      'a\nb\r\n\u2028c\u0000d',
      'é'.repeat(255),
      '99999999.99',
      'DELIVERED',
      '2025-12-31 23:59:59.637358',
      'SUCCESS',
    ],
    [
      '-9223372036854775808',
      'Alice',
      'Spice Garden',
      'Butter Chicken',
      '350.00',
      'DELIVERED',
      '2025-12-31 23:59:59.637359',
      'SUCCESS',
    ],
  ]);
  expect(
    await queryLake(storageAt(path), 'SELECT column_name, column_type FROM (DESCRIBE FROM files)'),
  ).toEqual([
    ['order_id', 'BIGINT'],
    ['customer_name', 'VARCHAR'],
    ['restaurant_name', 'VARCHAR'],
    ['item', 'VARCHAR'],
    ['amount', 'DECIMAL(10,2)'],
    ['order_status', 'VARCHAR'],
    ['created_at', 'TIMESTAMP WITH TIME ZONE'],
    ['validation_status', 'VARCHAR'],
    ['filename', 'VARCHAR'],
  ]);
});

test('Spark 3 is told that old timestamps follow the calendar of today', async () => {
  // Without the mark one created_at before 1900 makes it refuse the file (seen with Spark 3.5.9).
  const { files } = await write(lake, batch(1), { accepted: [accepted(1)], quarantined: [] });
  const bytes = await fs.readFile(join(path, files[0]?.path ?? ''));
  expect(bytes.includes('org.apache.spark.version')).toBe(true);
});

test('rows go to the UTC date of created_at, from the year 1 to 9999', async () => {
  const rows = [
    '0001-01-01T00:00:00.000000Z',
    '1969-12-31T23:59:59.999999Z',
    '9999-12-31T23:59:59.999999Z',
  ].map((createdAt, index) => accepted(index, { createdAt }));
  await write(lake, batch(1), { accepted: rows, quarantined: [] });
  const { dates } = await summary(storageAt(path));
  expect(dates.map(({ date, firstCreatedAt }) => [date, firstCreatedAt])).toEqual([
    ['0001-01-01', '0001-01-01T00:00:00.000000Z'],
    ['1969-12-31', '1969-12-31T23:59:59.999999Z'],
    ['9999-12-31', '9999-12-31T23:59:59.999999Z'],
  ]);
});

test('the quarantine keeps each message, its reasons and what could be read', async () => {
  const raw = Buffer.from([0x7b, 0xff, 0x00, 0x22]);
  const rows = [
    quarantined('{"order_id":7,"amount":1.999,"item":"日本語","created_at":"2025-11-18T10:00:00.123456Z"}', {
      partition: 2,
      offset: 41,
    }),
    quarantined(raw, { offset: 3, key: null, timestampMillis: 1_763_459_999_637 }),
    quarantined(null, { offset: 4, timestampMillis: -1 }),
    quarantined('{}', { offset: 5, timestampMillis: 1e18 }),
  ];
  const { quarantineFiles } = await write(lake, batch(1), { accepted: [], quarantined: rows });

  expect(quarantineFiles.map((file) => [file.path.slice(0, 15), file.rows])).toEqual([
    ['date=1970-01-01', 2],
    ['date=2025-11-18', 2],
  ]);
  const found = await queryLake(
    storageAt(path),
    `SELECT order_id, amount, item, epoch_us(created_at), validation_status, failed_rules,
            hex(raw_value), hex(raw_key), kafka_partition, kafka_offset, epoch_ms(kafka_timestamp)
     FROM files ORDER BY kafka_offset`,
    { quarantine: true },
  );
  const none = [null, null, null, null, 'FAILED'];
  expect(found).toEqual([
    [...none, 'malformed_json', '7BFF0022', null, 0, 3n, 1_763_459_999_637n],
    [...none, 'malformed_json', null, '6B', 0, 4n, null],
    [
      ...none,
      'order_id_null,amount_not_positive,customer_name_empty,restaurant_name_empty,item_empty,order_status_empty,created_at_missing',
      '7B7D',
      '6B',
      0,
      5n,
      null,
    ],
    [
      7n,
      null,
      '日本語',
      1_763_460_000_123_456n,
      'FAILED',
      'customer_name_empty,restaurant_name_empty,order_status_empty,amount_unreadable',
      Buffer.from(rows[0]?.message.value ?? [])
        .toString('hex')
        .toUpperCase(),
      '6B',
      2,
      41n,
      1_763_459_999_000n,
    ],
  ]);
  const { quarantined: counts } = await summary(storageAt(path));
  expect(counts).toMatchObject({ rows: 4, files: 2, failures: { malformed_json: 2, amount_unreadable: 1 } });
  const [error] = await queryLake(storageAt(path), 'SELECT error FROM files WHERE kafka_offset = 3', {
    quarantine: true,
  });
  expect(error).toEqual([
    'the value is missing, not UTF-8, or not a JSON object of at most 8 MiB and 200 levels',
  ]);
});

test('same rows, same names and bytes, however they arrive', async () => {
  const rows = rowsOf(3000);
  await write(lake, batch(1), rows);
  const first = await contentsOf(root);

  await write(lake, batch(1), rows);
  expect(await contentsOf(root)).toEqual(first);

  const byPartition = [0, 1, 2].map((partition) =>
    sampleMessages({ rows: 3000 }).filter((message) => message.partition === partition),
  );
  for (const chunk of [1, 700, 3000]) {
    await fs.rm(path, { recursive: true });
    await fs.rm(`${path}_quarantine`, { recursive: true });
    await openLake(lake);
    await write(lake, batch(1), validateAll(interleave(byPartition, chunk)));
    expect(await contentsOf(root)).toEqual(first);
  }
});

test('a file with equal content is left alone, another attempt of the same batch is replaced', async () => {
  const { files } = await write(lake, batch(1), { accepted: [accepted(1)], quarantined: [] });
  const file = join(path, files[0]?.path ?? '');
  const { ino } = await fs.stat(file);
  await write(lake, batch(1), { accepted: [accepted(1)], quarantined: [] });
  expect((await fs.stat(file)).ino).toBe(ino);

  await write(lake, batch(1), { accepted: [accepted(1), accepted(2)], quarantined: [] });
  expect((await summary(storageAt(path))).rows).toBe(2);
  expect(Object.keys(await contentsOf(path))).toHaveLength(1);
});

test('the manifest tells what the files hold', async () => {
  const { files, quarantineFiles } = await write(lake, batch(1), rowsOf(1000));
  for (const [directory, list] of [
    [path, files],
    [`${path}_quarantine`, quarantineFiles],
  ] as const) {
    for (const file of list) {
      const bytes = await fs.readFile(join(directory, file.path));
      expect(bytes.length).toBe(file.bytes);
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(file.sha256);
    }
  }
  expect([...files, ...quarantineFiles].reduce((sum, { rows }) => sum + rows, 0)).toBe(1000);
  const { dates } = await summary(storageAt(path));
  expect(dates.map((date) => [date.rows, date.firstCreatedAt, date.lastCreatedAt])).toEqual(
    files.map((file) => [file.rows, file.first?.createdAt, file.last?.createdAt]),
  );
});

test.each(['snappy', 'gzip', 'uncompressed'] as const)('compression %s', async (compression) => {
  lake = createOrdersLake({ path: `${path}/`, compression }, SILENT);
  await write(lake, batch(1), rowsOf(500));
  expect(await summary(storageAt(path))).toMatchObject({
    rows: 495,
    distinctOrderIds: 495,
    quarantined: { rows: 5 },
  });
});

test('more rows than a row group', async () => {
  const rows = Array.from({ length: 100_001 }, (_, i) => accepted(i));
  await write(lake, batch(1), { accepted: rows, quarantined: [] });
  expect(
    await queryLake(
      storageAt(path),
      'SELECT count(*), count(DISTINCT order_id), sum(order_id)::BIGINT FROM files',
    ),
  ).toEqual([[100_001n, 100_001n, 5_000_050_000n]]);
});

test('an empty batch writes nothing', async () => {
  expect(await write(lake, batch(1), { accepted: [], quarantined: [] })).toEqual({
    files: [],
    quarantineFiles: [],
  });
  expect(await contentsOf(root)).toEqual({});
  expect(await summary(storageAt(path))).toEqual({
    dates: [],
    rows: 0,
    files: 0,
    distinctOrderIds: 0,
    quarantined: { rows: 0, files: 0, failures: {} },
  });
});

function rowsOf(rows: number) {
  return validateAll(sampleMessages({ rows }));
}

function validateAll(messages: ReturnType<typeof sampleMessages>) {
  const good: AcceptedRow[] = [];
  const bad = [];
  for (const message of messages) {
    const validation = validate(message);
    if (validation.accepted !== undefined) good.push({ order: validation.accepted });
    else bad.push({ message, order: validation.order, failures: validation.failures });
  }
  return { accepted: good, quarantined: bad };
}
