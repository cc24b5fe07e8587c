import type { IncomingMessage } from '../../ports';
import { findDuplicates, type HighWater, type Validated } from '../../activities/landing/duplicates';
import type { Row } from '../../domain/table/table';
import { validate } from '../../messages';
import { orderOf } from '../helpers/orders';

/** Even ids belong to partition 0, odd ones to 1. */
const partitionOf = (key: string) => Number(BigInt(key) % 2n);

let offset = 0n;
function message(order: Record<string, unknown>, partition = 0): Validated {
  const value = Buffer.from(
    JSON.stringify({
      order_id: 1,
      customer_name: 'a',
      restaurant_name: 'b',
      item: 'c',
      amount: 1,
      order_status: 'd',
      created_at: '2025-11-18T10:00:00.000000Z',
      ...order,
    }),
  );
  const incoming: IncomingMessage = { partition, offset: offset++, timestampMillis: 0, key: null, value };
  return { message: incoming, validation: validate(incoming) };
}

const at = (second: number) => `2025-11-18T10:00:${String(second).padStart(2, '0')}.000000Z`;

/** A lake that holds these ids, and notes what it was asked for. */
function lake(ids: number[], quarantined: number[] = []) {
  const asked: bigint[] = [];
  return {
    asked,
    isReread: () => false,
    partitionOf,
    findLanded: (rows: readonly Row[]) => {
      const orders = rows.map(orderOf);
      asked.push(...orders.map(({ orderId }) => orderId!));
      return Promise.resolve(
        new Set(orders.flatMap(({ orderId }, index) => (ids.includes(Number(orderId)) ? [index] : []))),
      );
    },
    findQuarantined: (rows: readonly { order: Row }[]) =>
      Promise.resolve(
        new Set(
          rows.flatMap(({ order }, index) =>
            quarantined.includes(Number(orderOf(order).orderId)) ? [index] : [],
          ),
        ),
      ),
  };
}

const none: HighWater = {};

test('rising positions are new and nobody is asked', async () => {
  const check = lake([]);
  const result = await findDuplicates(
    [
      message({ order_id: 2, created_at: at(1) }),
      message({ order_id: 4, created_at: at(1) }),
      message({ order_id: 1, created_at: at(0) }, 1),
    ],
    { ...check, highWater: none },
  );
  expect(result).toMatchObject({
    duplicates: 0,
    highWater: { 0: { createdAt: at(1), orderId: '4' }, 1: { createdAt: at(0), orderId: '1' } },
  });
  expect(result.accepted).toHaveLength(3);
  expect(check.asked).toEqual([]);
});

test('at or below the high-water position the lake decides', async () => {
  const check = lake([2]);
  const result = await findDuplicates(
    [
      message({ order_id: 2, created_at: at(1) }),
      message({ order_id: 4, created_at: at(2) }),
      message({ order_id: 6, created_at: at(9) }),
    ],
    { ...check, highWater: { 0: { createdAt: at(3), orderId: '8' } } },
  );
  expect(check.asked).toEqual([2n, 4n]);
  expect(result.duplicates).toBe(1);
  expect(result.accepted.map(({ order }) => orderOf(order).orderId)).toEqual([4n, 6n]);
});

test('a repeat within one batch is found, whichever partition it comes from', async () => {
  const result = await findDuplicates(
    [
      message({ order_id: 2, created_at: at(1) }, 0),
      message({ order_id: 4, created_at: at(2) }, 0),
      message({ order_id: 2, created_at: at(1) }, 1),
    ],
    { ...lake([]), highWater: none },
  );
  expect(result.accepted.map(({ order }) => orderOf(order).orderId)).toEqual([2n, 4n]);
  expect(result.duplicates).toBe(1);
});

test('a copy that another producer put into the wrong partition first still meets the original later', async () => {
  const first = await findDuplicates([message({ order_id: 3, created_at: at(5) }, 0)], {
    ...lake([]),
    highWater: none,
  });
  const second = await findDuplicates([message({ order_id: 3, created_at: at(5) }, 1)], {
    ...lake([3]),
    highWater: first.highWater,
  });
  expect(second).toMatchObject({ duplicates: 1, accepted: [] });
});

test('failed rows are kept once too; rows without an id are told apart by their bytes', async () => {
  const highWater: HighWater = {
    0: { createdAt: at(9), orderId: '0' },
    null: { createdAt: at(9), orderId: '0' },
  };
  const nameless = (item: string) => message({ order_id: null, item, created_at: at(1) });
  const result = await findDuplicates(
    [
      message({ order_id: 2, amount: 0, created_at: at(1) }),
      message({ order_id: 4, amount: 0, created_at: at(1) }),
      nameless('x'),
      nameless('y'),
      nameless('x'),
    ],
    { ...lake([], [2]), highWater },
  );
  expect(result.duplicates).toBe(2);
  expect(result.quarantined.map(({ failures }) => failures)).toEqual([
    ['amount_not_positive'],
    ['order_id_null'],
    ['order_id_null'],
  ]);
});

test('messages without a created_at are never taken for repeats', async () => {
  const broken = () => message({ created_at: 'soon' });
  const result = await findDuplicates([broken(), broken()], { ...lake([]), highWater: none });
  expect(result.quarantined).toHaveLength(2);
});

test('what went in comes out once: accepted, quarantined or duplicate', async () => {
  const random = (n: number) => Math.floor(Math.random() * n);
  for (let round = 0; round < 50; round++) {
    // An order's created_at never changes, so it follows from the id.
    const validated = Array.from({ length: 200 }, () => {
      const id = random(60);
      const order_id = random(20) === 0 ? null : id;
      return message({ order_id, amount: id % 3, created_at: at((id * 7) % 5) }, random(2));
    });
    const result = await findDuplicates(validated, { ...lake([]), highWater: none });
    expect(result.accepted.length + result.quarantined.length + result.duplicates).toBe(validated.length);
    const nameOf = (row: Row) => `${orderOf(row).orderId} ${orderOf(row).createdAtMicros}`;
    const keys = result.accepted.map(({ order }) => nameOf(order));
    expect(new Set(keys).size).toBe(keys.length);
    const wanted = new Set(
      validated.flatMap(({ validation }) => (validation.accepted ? [nameOf(validation.accepted)] : [])),
    );
    expect(new Set(keys)).toEqual(wanted);
  }
});

test('what is read again and lands all the same is known from then on', async () => {
  const order = message({ order_id: 4, created_at: at(5) });
  const { accepted, highWater } = await findDuplicates([order], {
    ...lake([]),
    isReread: () => true,
    highWater: { '0': { createdAt: at(1), orderId: '2' } },
  });
  expect(accepted).toHaveLength(1);
  expect(highWater).toEqual({ '0': { createdAt: at(5), orderId: '4' } });
});

test('without a created_at a message is its place: two of the same bytes in one batch are two', async () => {
  const timeless = [message({ created_at: null }), message({ created_at: null })];
  const result = await findDuplicates(timeless, { ...lake([]), isReread: () => true, highWater: none });
  expect(result).toMatchObject({ duplicates: 0, quarantined: [{}, {}] });
});
