import { crc32 } from 'node:zlib';
import { NonRetryableError } from '../../../domain/errors';
import { crc32c } from '../../../adapters/kafka/records/crc32c';
import { checkCode, explain } from '../../../adapters/kafka/transport/errors';
import { partitionOf } from '../../../adapters/kafka/producer/partitioner';
import { nextSequence, RecordBatchBuilder } from '../../../adapters/kafka/records/record-batch';
import { decodeRecords } from '../../../adapters/kafka/records/record-reader';

const ORIGIN = { producerId: '7', producerEpoch: 1, baseSequence: 0 };

describe('record batches', () => {
  test('come back as they were written', () => {
    const builder = new RecordBatchBuilder(16);
    const rows = [
      { key: Buffer.from('1'), value: Buffer.from('日本語') },
      { key: null, value: Buffer.alloc(0) },
      { key: Buffer.alloc(300, 'k'), value: Buffer.alloc(70_000, 'v') },
    ];
    for (const { key, value } of rows) builder.append(key, value);
    const { messages, first, next } = decodeRecords(builder.finish(ORIGIN, 1_700_000_000_123), 2, 0n, []);
    expect(messages).toEqual(
      rows.map((row, i) => ({ ...row, partition: 2, offset: BigInt(i), timestampMillis: 1_700_000_000_123 })),
    );
    expect([first, next]).toEqual([0n, 3n]);
  });

  test('kafkajs fails on some 125,000 records in a batch ("maximum call stack"): any number is read', () => {
    const builder = new RecordBatchBuilder(1 << 20);
    for (let i = 0; i < 300_000; i += 1) builder.append(null, Buffer.from('x'));
    expect(decodeRecords(builder.finish(ORIGIN, 0), 0, 0n, []).messages).toHaveLength(300_000);
  });

  test('kafkajs checks no checksums: a flipped bit is an error, not a row', () => {
    const builder = new RecordBatchBuilder(1_000);
    builder.append(Buffer.from('1'), Buffer.from('{"amount":350.00}'));
    const batch = Buffer.from(builder.finish(ORIGIN, 0));
    batch[75]! ^= 1;
    expect(() => decodeRecords(batch, 4, 0n, [])).toThrow(
      'partition 4, offset 0: a record batch fails its checksum',
    );
  });

  test('kafkajs goes offset by offset through the rest of a batch whose last rows are compacted away: it counts at once', () => {
    const builder = new RecordBatchBuilder(1_000);
    builder.append(Buffer.from('1'), Buffer.from('kept'));
    const batch = builder.finish(ORIGIN, 0);
    batch.writeInt32BE(9, 23); // the offsets it had before
    batch.writeUInt32BE(crc32c(batch, 21, batch.length), 17);
    const { messages, next } = decodeRecords(batch, 0, 0n, []);
    expect(messages).toHaveLength(1);
    expect(next).toBe(10n);
    expect(decodeRecords(batch, 0, 5n, [])).toMatchObject({ messages: [], next: 10n });
  });

  test('a batch cut by the fetch limit is left for the next fetch', () => {
    const builder = new RecordBatchBuilder(1_000);
    builder.append(null, Buffer.from('whole'));
    const batch = Buffer.from(builder.finish(ORIGIN, 0));
    const { messages, next } = decodeRecords(Buffer.concat([batch, batch.subarray(0, 65)]), 0, 0n, []);
    expect(messages).toHaveLength(1);
    expect(next).toBe(1n);
    expect(decodeRecords(batch.subarray(0, 70), 0, 0n, []).next).toBeUndefined();
  });

  test('kafkajs restarts sequence numbers at the end of 31 bits: they wrap as the brokers count', () => {
    expect(nextSequence(0, 10)).toBe(10);
    expect(nextSequence(2_147_483_640, 7)).toBe(2_147_483_647);
    expect(nextSequence(2_147_483_640, 10)).toBe(2);
  });
});

test('CRC-32C of known texts', () => {
  const check = (text: string) => crc32c(Buffer.from(text), 0, Buffer.byteLength(text));
  expect(check('123456789')).toBe(0xe3069283); // the check value of its definition
  expect(check('')).toBe(0);
  expect(check('The quick brown fox jumps over the lazy dog')).toBe(0x22620404);
  expect(check('123456789')).not.toBe(crc32('123456789'));
});

test('keys go where Java sends them', () => {
  // From org.apache.kafka.common.utils.Utils.murmur2, as its own test lists them.
  const murmur2: Record<string, number> = {
    '21': -973932308,
    foobar: -790332482,
    'a-little-bit-long-string': -985981536,
    'a-little-bit-longer-string': -1486304829,
    lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8: -58897971,
    abc: 479470107,
  };
  for (const [key, hash] of Object.entries(murmur2)) {
    expect(partitionOf(Buffer.from(key), 1_000_003)).toBe((hash & 0x7fffffff) % 1_000_003);
  }
});

const AT = { brokers: ['a:1', 'b:2'], topic: 'orders', numPartitions: 3, replicationFactor: 1 };

describe('errors', () => {
  const shown = (code: number): Error => {
    try {
      checkCode(code);
    } catch (error) {
      return explain(error, 'reading', AT);
    }
    throw new Error('no error');
  };

  test('a missing right is lasting and says how to grant it', () => {
    const failure = shown(29);
    expect(failure).toMatchObject({ name: 'NonRetryableError', type: 'InsufficientPrivilege' });
    expect(failure.message).toContain('Kafka at a:1, b:2, reading: ');
    expect(failure.message).toContain('kafka-acls');
  });

  test.each([
    [6, 'NOT_LEADER_FOR_PARTITION'],
    [
      19,
      "NOT_ENOUGH_REPLICAS): fewer brokers hold the partition in sync than the topic's min.insync.replicas",
    ],
    [20, 'NOT_ENOUGH_REPLICAS_AFTER_APPEND): fewer brokers'],
    [90, 'PRODUCER_FENCED'],
    [9999, 'error code 9999 of a Kafka newer than 4.1'],
  ])('code %d is transient', (code, text) => {
    const error = shown(code);
    expect(error).not.toBeInstanceOf(NonRetryableError);
    expect(error.message).toContain(text);
  });

  test('an error that nobody knows is transient, and a non-retryable error stays as it is', () => {
    expect(explain(new TypeError('what'), 'reading', AT).message).toBe(
      'Kafka at a:1, b:2, reading: what (TypeError)',
    );
    const nonRetryable = new NonRetryableError('DataLoss', 'gone');
    expect(explain(nonRetryable, 'reading', AT)).toBe(nonRetryable);
  });
});
