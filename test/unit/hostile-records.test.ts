import fc from 'fast-check';
import { ChecksumError, decodeRecords } from '../../adapters/kafka/records';
import { decompress, LARGEST_INFLATED } from '../../adapters/kafka/records/codecs';
import { WireReader } from '../../adapters/kafka/transport';
import { NonRetryableError } from '../../domain/errors';
import { validate } from '../../messages';
import { edited, holds, HOSTILE_TIMEOUT_MS, WIRE } from '../helpers/hostile';
import { batchOf, gzip, lz4, recordsOf, sealed, snappyZeros, zstdZeros } from '../helpers/record-batches';

jest.setTimeout(HOSTILE_TIMEOUT_MS);

const decode = (data: Buffer, from = 0n) => decodeRecords(data, 0, from, []);
const WHOLE = recordsOf(['a', 'b', 'c'].map((text) => Buffer.from(text)));

test('a right batch, in each codec, is read', () => {
  for (const [codec, data] of [WHOLE, gzip(WHOLE), undefined, lz4(WHOLE)].entries()) {
    if (data === undefined) continue;
    const { messages, next } = decode(batchOf(data, { count: 3, codec }));
    expect(messages.map(({ value, offset }) => [offset, String(value)])).toEqual([
      [0n, 'a'],
      [1n, 'b'],
      [2n, 'c'],
    ]);
    expect(next).toBe(3n);
  }
  expect(decompress(4, zstdZeros(300_000)).equals(Buffer.alloc(300_000))).toBe(true);
  expect(decompress(4, zstdZeros(300_000, 300_000)).equals(Buffer.alloc(300_000))).toBe(true);
  expect(decompress(2, snappyZeros(300_000)).equals(Buffer.alloc(300_000))).toBe(true);
  expect(decompress(2, snappyZeros(300_000, true)).equals(Buffer.alloc(300_000))).toBe(true);
});

const BOMB = 2 * LARGEST_INFLATED;
test.each([
  ['gzip', 1, gzip(Buffer.alloc(BOMB))],
  ['snappy', 2, snappyZeros(BOMB)],
  ['snappy-java', 2, snappyZeros(BOMB, true)],
  ['lz4', 3, lz4(Buffer.alloc(BOMB))],
  ['zstd', 4, zstdZeros(40 * 1024 ** 3)],
  ['zstd that says how large it is', 4, zstdZeros(BOMB, BOMB)],
  ['zstd that says it is 8 TiB', 4, zstdZeros(1_000, 8 * 1024 ** 4)],
])(
  'a batch of kilobytes that is gigabytes takes no memory, and is one message with a reason: %s',
  (_name, codec, data) => {
    const before = process.memoryUsage();
    const batch = batchOf(data, { codec, count: 7 });
    const { messages, next } = decode(batch);
    const after = process.memoryUsage();
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(2 * LARGEST_INFLATED);
    expect(next).toBe(7n);
    expect(messages).toMatchObject([{ offset: 0n, key: null, unreadable: expect.any(String) as string }]);
    expect(messages[0]?.value?.equals(batch)).toBe(true);
    expect(validate(messages[0]!).failures).toEqual(['batch_unreadable']);
  },
);

test('many blocks of one byte with a large window take no time', () => {
  const blocks = Buffer.concat(Array.from({ length: 200_000 }, () => Buffer.from([1 << 3, 0, 0, 7])));
  const header = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 15 << 3]);
  const begin = performance.now();
  expect(() => decompress(4, Buffer.concat([header, blocks, Buffer.from([1, 0, 0])]))).toThrow('too many');
  expect(performance.now() - begin).toBeLessThan(2_000);
});

test.each([
  ['that are read', batchOf(gzip(recordsOf([Buffer.alloc(LARGEST_INFLATED - 100)])), { codec: 1 }), 2n],
  ['that are too large', batchOf(zstdZeros(BOMB, BOMB), { codec: 4 }), 17n],
])('batches that together are too much are left to the next fetch: %s', (_name, bomb, next) => {
  const bombs = Array.from({ length: 30 }, (_, base) => {
    const batch = Buffer.from(bomb);
    batch.writeBigInt64BE(BigInt(base), 0);
    return batch;
  });
  expect(decode(Buffer.concat(bombs)).next).toBe(next);
});

const varint = (...bytes: number[]) => Buffer.from(bytes);
test.each([
  ['a record that ends before it begins', varint(1), { count: 0x7fffffff }],
  ['records of no bytes', varint(0, 0, 0, 0), { count: 4 }],
  ['more records than there are', WHOLE, { count: 4 }],
  ['fewer records than there are', WHOLE, { count: 2, lastDelta: 2 }],
  ['a value that is longer than its record', varint(12, 0, 0, 0, 1, 100, 0), { count: 1 }],
  ['a number that does not end', Buffer.alloc(5_000, 0xff), { count: 1 }],
  ['offsets of the next batch', WHOLE, { count: 3, lastDelta: 1 }],
  [
    'one offset twice',
    Buffer.concat([recordsOf([Buffer.from('a')]), recordsOf([Buffer.from('b')])]),
    { count: 2 },
  ],
  ['bytes in no codec', Buffer.from('no gzip'), { codec: 1 }],
  [
    'a snappy block of no length',
    Buffer.concat([snappyZeros(9, true).subarray(0, 16), Buffer.from([255, 255, 255, 252])]),
    { codec: 2 },
  ],
])('a batch whose checksum is right and whose content is not is one message: %s', (_name, records, how) => {
  const bad = batchOf(records, { base: 5n, ...how });
  const next =
    6n + BigInt((how as { lastDelta?: number }).lastDelta ?? ((how as { count?: number }).count ?? 1) - 1);
  const good = batchOf(WHOLE, { count: 3, base: next });
  const { messages, next: end } = decode(Buffer.concat([bad, good]), 5n);
  expect(messages).toHaveLength(4);
  expect(messages[0]).toMatchObject({ offset: 5n, unreadable: expect.any(String) as string, value: bad });
  expect(messages.slice(1).map(({ value }) => String(value))).toEqual(['a', 'b', 'c']);
  expect(end).toBe(next + 3n);
});

test.each([
  ['an offset before the one asked for', batchOf(WHOLE, { count: 3 }), 3n],
  ['a last offset before the first', batchOf(WHOLE, { count: 3, lastDelta: -5, base: 9n }), 0n],
  ['a length of nothing', Buffer.alloc(100), 0n],
])('what would make the reader go back is a damaged answer: %s', (_name, data, from) => {
  expect(() => decode(data, from)).toThrow(ChecksumError);
});

const BATCHES = Buffer.concat([
  batchOf(recordsOf([Buffer.from(WIRE), Buffer.from('x')]), { count: 2 }),
  batchOf(gzip(WHOLE), { count: 3, codec: 1, base: 2n }),
]);

test('whatever is changed in the bytes of a fetch: messages with rising offsets, or one of two errors', () => {
  void holds(
    fc.property(edited(BATCHES), fc.bigInt({ min: 0n, max: 5n }), (data, from) => check(data, from)),
    1_000,
  );
});

test('whatever is changed in a batch before its checksum is made, in any codec', () => {
  const right = [WHOLE, gzip(WHOLE), snappyZeros(500), lz4(WHOLE), zstdZeros(500), zstdZeros(500, 500)];
  const batch = fc.constantFrom(
    ...right.map((data, at) => batchOf(data, { count: 3, codec: Math.min(at, 4) })),
  );
  void holds(
    fc.property(
      batch.chain((one) => edited(one, 3)),
      (data) => check(sealed(data), 0n),
    ),
    2_000,
  );
});

function check(data: Buffer, from: bigint): void {
  try {
    const { messages, next } = decode(data, from);
    let last = from - 1n;
    for (const { offset } of messages) {
      expect(offset > last && offset < next!).toBe(true);
      last = offset;
    }
    if (next !== undefined) expect(next > from).toBe(true);
  } catch (error) {
    if (!(error instanceof ChecksumError || error instanceof NonRetryableError)) throw error;
  }
}

test('an answer of Kafka with any length in it ends with a RangeError at the latest', () => {
  void holds(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const read = (use: (reader: WireReader) => unknown) => {
        try {
          use(new WireReader(Buffer.from(bytes)));
        } catch (error) {
          expect((error as Error).name).toBe('RangeError');
        }
      };
      read((reader) => reader.array(() => [reader.string(), reader.bytes()]));
      read((reader) => reader.compactArray(() => [reader.compactString(), reader.taggedFields()]));
      read((reader) => reader.array(() => reader.array(() => reader.int8())));
    }),
  );
});
