/** A row that is larger than the topic takes is kept whole in a file, told of in quarantine, and stops nothing. */
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { OrdersTopic, OutgoingMessage } from '../../ports';
import { createPublish } from '../../activities/capture/publish';
import { placeholderFor } from '../../activities/capture/placeholder';
import { validate } from '../../messages';
import { validateOrder } from '../helpers/orders';
import { createOversizedRows } from '../../adapters/lake/writing/oversized-rows';
import { sizeAlone } from '../../adapters/kafka/records/record-batch';
import { createOrdersLake } from '../../adapters/lake/writing';
import { queryLake } from '../../adapters/lake/reading/reader';
import { createOrdersSource } from '../../adapters/postgres';
import { watermarkFrom } from '../../domain/watermark';
import { inActivity } from '../helpers/activity';
import { openLake, temporaryDirectory, write, storageAt } from '../helpers/lake';
import { ORDERS_TABLE, eventually, freshPipeline } from '../helpers/pipeline';
import {
  never,
  publishRows,
  rowOf,
  rowsFrom,
  sortedIds,
  TopicFixture,
  upTo,
  windowOf,
} from '../adapters/kafka/helpers';
import { SILENT } from '../helpers/telemetry';

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

const publishing = (topic: OrdersTopic, rows: () => AsyncIterable<OutgoingMessage[]>, asked: string[] = []) =>
  topic.publish(windowOf(1), rows, {
    signal: never,
    onProgress: () => undefined,
    onOversized: (row) => {
      asked.push(String(row.key));
      return Promise.resolve({ key: row.key, value: Buffer.from('small') });
    },
  });

describe('publishing', () => {
  let fixture: TopicFixture;
  let topic: OrdersTopic;
  beforeEach(async () => {
    fixture = new TopicFixture();
    topic = await fixture.create();
  });
  afterEach(() => fixture.close());

  test('a topic’s own limit decides to the byte, and batches stay below it', async () => {
    const limit = 5_000;
    await fixture.configure('max.message.bytes', String(limit));
    const fitting = (key: string, more: number) => {
      const empty = sizeAlone(Buffer.from(key), Buffer.alloc(0));
      // Lengths of two bytes instead of one: the record's and the value's.
      const value = Buffer.alloc(limit - empty - 2 + more, 'x');
      expect(sizeAlone(Buffer.from(key), value)).toBe(limit + more);
      return { key, value };
    };
    async function* rows() {
      yield* rowsFrom(1, 2_000);
      yield await Promise.resolve([
        fitting('2001', 0),
        fitting('2002', 1),
        { key: '2003', value: Buffer.alloc(9_000_000) },
      ]);
      yield* rowsFrom(2_004, 2_000);
    }
    const asked: string[] = [];
    expect(await publishing(topic, rows, asked)).toMatchObject({ rows: 4_003, already: false });
    expect(asked).toEqual(['2002', '2003']);

    const read = await fixture.readAll();
    expect(sortedIds(read)).toEqual(upTo(4_003));
    const valueOf = (id: number) => read.find(({ key }) => key?.toString() === String(id))?.value;
    expect(valueOf(2_001)).toHaveLength(fitting('2001', 0).value.length);
    expect(valueOf(2_002)?.toString()).toBe('small');
    expect(valueOf(2_003)?.toString()).toBe('small');
  });

  test('a limit that was lowered since is transient once; the retry asks for it anew', async () => {
    async function* rows() {
      yield await Promise.resolve([rowOf(1), { key: '2', value: Buffer.alloc(50_000) }]);
    }
    async function* first() {
      yield* rows();
      await fixture.configure('max.message.bytes', '10000');
    }
    const failure = publishing(topic, first);
    await expect(failure).rejects.toThrow(/MESSAGE_TOO_LARGE.*max\.message\.bytes/);
    await expect(failure).rejects.not.toMatchObject({ name: 'NonRetryableError' });
    const asked: string[] = [];
    expect(await publishing(topic, rows, asked)).toMatchObject({ rows: 2, already: false });
    expect(asked).toEqual(['2']);
  });

  test('a row above an ordinary batch, but not above the topic’s limit, goes through whole', async () => {
    await fixture.configure('max.message.bytes', '6000000');
    async function* rows() {
      yield await Promise.resolve([rowOf(1), { key: '2', value: Buffer.alloc(5_900_000, 'x') }, rowOf(3)]);
    }
    await publishRows(topic, windowOf(1), rows);
    expect((await fixture.readAll()).map(({ value }) => value?.length).sort()).toContain(5_900_000);
  });

  test('a row that cannot be kept is not published either, and neither is its window', async () => {
    async function* rows() {
      yield await Promise.resolve([rowOf(1), { key: '2', value: Buffer.alloc(2_000_000) }]);
    }
    await expect(publishRows(topic, windowOf(1), rows)).rejects.toThrow('taken for oversized');
    expect(await fixture.readAll()).toEqual([]);
  });
});

describe('the placeholder', () => {
  const kept = { file: '_oversized/x.json', bytes: 9, sha256: 'a'.repeat(64) };
  const row = (fields: Record<string, string>) => ({
    key: '7',
    value: Buffer.from(
      `{${Object.entries(fields)
        .map(([name, literal]) => `"${name}":${literal}`)
        .join(',')}}`,
    ),
  });
  const wire = {
    order_id: '9007199254740993',
    customer_name: '"a \\"quoted\\" \\\\"',
    restaurant_name: '"b\\\\\\",\\"amount\\":1"',
    item: `"${'z'.repeat(1000)}"`,
    amount: '19.90',
    order_status: '"PLACED"',
    created_at: '"2025-11-18T10:00:00.123456Z"',
  };

  test('has the row’s key and its columns as they stand, without the large ones', () => {
    const { key, value } = placeholderFor(row(wire), kept);
    expect(key).toBe('7');
    expect(value.toString()).toBe(
      '{"order_id":9007199254740993,"created_at":"2025-11-18T10:00:00.123456Z","amount":19.90,"order_status":"PLACED",' +
        `"oversized":{"bytes":9,"sha256":"${kept.sha256}","file":"_oversized/x.json"}}`,
    );
    const huge = placeholderFor(
      row({ ...wire, order_status: `"${'s'.repeat(5_000)}"`, amount: '9'.repeat(5_000) }),
      kept,
    );
    expect(huge.value.length).toBeLessThan(400);
  });

  test('is quarantined for that reason alone, at the row’s own place', () => {
    expect(validateOrder(placeholderFor(row(wire), kept))).toEqual({
      failures: ['row_oversized'],
      order: {
        orderId: 9007199254740993n,
        customerName: null,
        restaurantName: null,
        item: null,
        amountHundredths: 1990,
        orderStatus: 'PLACED',
        createdAtMicros: 1_763_460_000_123_456n,
      },
    });
  });

  test('an order that merely has a field of that name is none', () => {
    for (const oversized of ['true', '{"bytes":1}', '{"file":"x","sha256":"no"}', 'null']) {
      expect(validate(row({ ...wire, oversized }))).toHaveProperty('accepted');
    }
  });
});

test('from the table to the quarantine: large rows between small ones, published twice', async () => {
  const pipeline = await freshPipeline();
  const fixture = new TopicFixture();
  const directory = await temporaryDirectory();
  const source = createOrdersSource(pipeline.settings, SILENT);
  try {
    await pipeline.pool.query(
      `ALTER TABLE ${ORDERS_TABLE} ALTER item TYPE text;
       INSERT INTO ${ORDERS_TABLE} (customer_name, restaurant_name, item, amount, order_status, created_at)
       SELECT 'Alice', 'R', repeat(E'"\\\\ü', CASE WHEN i IN (3, 4) THEN i * 1000000 ELSE 1 END), i + 0.5, 'PLACED', '2025-11-18 10:00:00'
         FROM generate_series(1, 6) i`,
    );
    const lower = watermarkFrom({ createdAt: '1970-01-01T00:00:00Z' });
    const { upper } = await eventually(
      async () =>
        (await source.nextWindow({ after: lower, before: '2026-01-01T00:00:00.000000Z', limit: 10 }))!,
    );
    const lakePath = join(directory.path, 'lake');
    const store = createOversizedRows(storageAt(lakePath));
    const oversized: OutgoingMessage[] = [];
    const keep = async (row: OutgoingMessage) => {
      oversized.push({ key: row.key, value: Buffer.from(row.value) });
      return store.keep(row);
    };
    const publish = async (topic: OrdersTopic) => {
      await topic.ensure();
      const activity = createPublish({ source, topic, oversized: { keep } });
      expect(await inActivity(() => activity({ sequence: 1, lower, upper }))).toMatchObject({ rows: 6 });
    };
    await fixture.create();
    await publish(fixture.open());
    const again = new TopicFixture();
    await again.create();
    await publish(again.open());
    await again.close();
    expect(oversized.map(({ key }) => key)).toEqual(['3', '4', '3', '4']);
    expect(oversized[0]!.value.length).toBeGreaterThan(12_000_000);

    // Two files though it was published twice, and nothing beside them.
    const names = readdirSync(join(`${lakePath}_quarantine`, '_oversized')).sort();
    expect(names).toEqual([
      expect.stringMatching(/^order-3-\w{16}\.json$/),
      expect.stringMatching(/^order-4-/),
    ]);

    const messages = await fixture.readAll();
    const validations = messages.map((message) => ({ message, validation: validate(message) }));
    const lake = createOrdersLake({ path: lakePath, compression: 'snappy' }, SILENT);
    await lake.ensure();
    await openLake(lake);
    await write(
      lake,
      { epoch: 1, sequence: 1, ranges: [{ partition: 0, from: '0', to: '9' }] },
      {
        accepted: validations.flatMap(({ validation }) =>
          validation.accepted ? [{ order: validation.accepted }] : [],
        ),
        quarantined: validations.flatMap(({ message, validation }) =>
          validation.accepted ? [] : [{ message, failures: validation.failures, order: validation.order }],
        ),
      },
    );
    expect(await queryLake(storageAt(lakePath), 'SELECT order_id::INTEGER FROM files ORDER BY 1')).toEqual([
      [1],
      [2],
      [5],
      [6],
    ]);
    const told = await queryLake(
      storageAt(lakePath),
      `SELECT order_id::INTEGER, amount::VARCHAR, failed_rules, decode(raw_value)->'oversized'->>'file',
              decode(raw_value)->'oversized'->>'sha256', (decode(raw_value)->'oversized'->>'bytes')::INTEGER
         FROM files ORDER BY 1`,
      { quarantine: true },
    );
    expect(told.map((line) => line.slice(0, 3))).toEqual([
      [3, '3.50', 'row_oversized'],
      [4, '4.50', 'row_oversized'],
    ]);
    for (const [index, [, , , file, hash, bytes]] of told.entries()) {
      const whole = readFileSync(join(`${lakePath}_quarantine`, String(file)));
      expect(whole.equals(oversized[index]!.value)).toBe(true);
      expect(sha256(whole)).toBe(hash);
      expect(whole.length).toBe(bytes);
      const { item } = JSON.parse(whole.toString()) as { item: string };
      expect(item === '"\\ü'.repeat((index + 3) * 1_000_000)).toBe(true);
    }
  } finally {
    await source.close();
    await fixture.close();
    await directory.remove();
    await pipeline.dispose();
  }
});
