import type { IncomingMessage } from '../../ports';
import { findDuplicates } from '../../activities/landing/duplicates';
import type { Row } from '../../domain/table/table';
import { validate } from '../../messages';
import { orderOf } from '../helpers/orders';
import { partitionOf } from '../../adapters/kafka/producer/partitioner';
import { marksFor } from '../../domain/partition-marks';

const at = (second: number, orderId = 0) => ({
  createdAt: `2025-11-18T10:00:${String(second).padStart(2, '0')}.000000Z`,
  orderId: String(orderId),
});

test('marks that were made with another number of partitions bound every bucket by the highest of them', () => {
  const marks = { '0': at(1), '2': at(3, 7), null: at(9) };
  const highest = at(3, 7);
  expect(marksFor(marks, { made: 3, partitions: 5 })).toEqual({
    '0': highest,
    '1': highest,
    '2': highest,
    '3': highest,
    '4': highest,
    null: at(9),
  });
  expect(marksFor(marks, { made: 3, partitions: 1 })).toEqual({ '0': highest, null: at(9) });
  expect(marksFor(marks, { made: 3, partitions: 3 })).toBe(marks);
  expect(marksFor({}, { made: 3, partitions: 5 })).toEqual({});
});

test('an order whose key belongs to another partition since partitions were added is still known as a repeat', async () => {
  const ids = Array.from({ length: 100 }, (_, index) => index + 1);
  const messages = ids.map((id) => validated(id));
  const landed: bigint[] = [];
  const check = (partitions: number) => ({
    isReread: () => false,
    partitionOf: (key: string) => partitionOf(Buffer.from(key), partitions),
    findLanded: (rows: readonly Row[]) =>
      Promise.resolve(new Set(rows.flatMap((row, i) => (landed.includes(orderOf(row).orderId!) ? [i] : [])))),
    findQuarantined: () => Promise.resolve(new Set<number>()),
  });
  const first = await findDuplicates(messages, { ...check(3), highWater: {} });
  expect(first.accepted).toHaveLength(100);
  landed.push(...first.accepted.map(({ order }) => orderOf(order).orderId!));

  const highWater = marksFor(first.highWater, { made: 3, partitions: 5 });
  const again = await findDuplicates(messages, { ...check(5), highWater });
  expect(again).toMatchObject({ accepted: [], duplicates: 100 });
  // What the old marks say of the new buckets is not enough.
  const unheeded = await findDuplicates(messages, { ...check(5), highWater: first.highWater });
  expect(unheeded.accepted.length).toBeGreaterThan(0);
});

function validated(id: number) {
  const value = Buffer.from(
    `{"order_id":${id},"customer_name":"a","restaurant_name":"b","item":"c","amount":1.00,"order_status":"PLACED",` +
      `"created_at":"${at(id % 60).createdAt}"}`,
  );
  const message: IncomingMessage = { partition: 0, offset: BigInt(id), timestampMillis: 0, key: null, value };
  return { message, validation: validate(message) };
}
