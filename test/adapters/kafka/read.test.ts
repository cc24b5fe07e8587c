import { setTimeout as sleep } from 'node:timers/promises';
import type { Offsets } from '../../../domain/ranges';
import type { Transaction } from 'kafkajs';
import {
  everything,
  keysOf,
  never,
  publishRows,
  readRanges,
  rowsFrom,
  sortedIds,
  TopicFixture,
  upTo,
  windowOf,
} from './helpers';
import type { IncomingMessage, OrdersTopic } from '../../../ports';

jest.setTimeout(60_000);

/** Sends to partition 0, one batch a call. */
async function send(transaction: Transaction, topic: string, ...keys: string[]): Promise<void> {
  await transaction.send({ topic, messages: keys.map((key) => ({ key, value: key, partition: 0 })) });
}

describe('reading ranges', () => {
  let fixture: TopicFixture;
  beforeEach(async () => {
    fixture = new TopicFixture();
    await fixture.create();
  });
  afterEach(() => fixture.close());

  test('gives exactly the offsets asked for, also from the middle of a batch, in order', async () => {
    const topic = fixture.open();
    await publishRows(topic, windowOf(1), () => rowsFrom(1, 3_000));
    await fixture.settled();
    const messages = await readRanges(topic, [
      { partition: 0, from: '10', to: '500' },
      { partition: 2, from: '0', to: '1' },
    ]);
    expect(messages.filter(({ partition }) => partition === 0).map(({ offset }) => offset)).toEqual(
      Array.from({ length: 490 }, (_, i) => BigInt(10 + i)),
    );
    expect(messages.filter(({ partition }) => partition === 2).map(({ offset }) => offset)).toEqual([0n]);
    expect(messages).toHaveLength(491);
  });

  test('of no offsets is empty', async () => {
    expect(await readRanges(fixture.open(), [{ partition: 0, from: '0', to: '0' }])).toEqual([]);
    expect(await readRanges(fixture.open(), [])).toEqual([]);
  });

  test('ends at ranges that are markers, end with one or begin with one', async () => {
    const topic = fixture.open();
    for (const sequence of [1, 2, 3]) {
      // Each transaction takes 2 offsets of the partition of key 1: the row and the marker.
      await publishRows(topic, windowOf(sequence), () => rowsFrom(1, 1));
    }
    await fixture.settled();
    const partition = topic.partitionOf('1', 3);
    const offsets = async (from: string, to: string) =>
      (await readRanges(topic, [{ partition, from, to }])).map(({ offset }) => Number(offset));
    expect(await offsets('0', '6')).toEqual([0, 2, 4]);
    expect(await offsets('1', '2')).toEqual([]);
    expect(await offsets('1', '4')).toEqual([2]);
    expect(await offsets('5', '6')).toEqual([]);
    expect(await offsets('3', '5')).toEqual([4]);
  });

  test('leaves out aborted rows between committed ones', async () => {
    const aborted = await fixture.foreignTransaction();
    await send(aborted, fixture.name, 'bad1', 'bad2');
    await aborted.abort();
    const committed = await fixture.foreignTransaction();
    await send(committed, fixture.name, 'good1', 'good2');
    await committed.commit();
    expect(keysOf(await fixture.readAll())).toEqual(['good1', 'good2']);
  });

  test('kafkajs takes aborted transactions in the order of their ends: interleaved ones must not leak rows', async () => {
    const topic = fixture.open();
    const [first, second, third] = [
      await fixture.foreignTransaction(),
      await fixture.foreignTransaction(),
      await fixture.foreignTransaction(),
    ];
    // The first to begin is the last to end; a committed one and the same producers' later rows lie between.
    await send(first, fixture.name, 'bad-a1');
    await send(second, fixture.name, 'bad-b1');
    await send(third, fixture.name, 'good-c1');
    await send(first, fixture.name, 'bad-a2');
    await send(second, fixture.name, 'bad-b2');
    await second.abort();
    await send(third, fixture.name, 'good-c2');
    await send(first, fixture.name, 'bad-a3');
    await third.commit();
    await first.abort();
    expect(keysOf(await fixture.readAll())).toEqual(['good-c1', 'good-c2']);

    // From the middle as well: the broker then names transactions that began before.
    for (const from of ['1', '2', '3', '4']) {
      const { stable } = await topic.offsets();
      const messages = await readRanges(topic, [{ partition: 0, from, to: stable[0] ?? '' }]);
      expect(keysOf(messages)).toEqual(Number(from) <= 2 ? ['good-c1', 'good-c2'] : ['good-c2']);
    }
  });

  test('a producer commits after it aborted: only the later rows count', async () => {
    const producer = fixture.kafka.producer({
      transactionalId: `again-${fixture.name}`,
      idempotent: true,
      maxInFlightRequests: 1,
    });
    await producer.connect();
    for (const [key, end] of [
      ['bad1', 'abort'],
      ['good1', 'commit'],
      ['bad2', 'abort'],
      ['good2', 'commit'],
    ] as const) {
      const transaction = await producer.transaction();
      await send(transaction, fixture.name, key);
      await transaction[end]();
      await fixture.settled();
    }
    await producer.disconnect();
    expect(keysOf(await fixture.readAll())).toEqual(['good1', 'good2']);
  });

  test('stable offsets stop at an open transaction, and reading does not go on to it', async () => {
    const topic = fixture.open();
    await publishRows(topic, windowOf(1), () => rowsFrom(1, 30));
    await fixture.settled();
    const before = await topic.offsets();
    const ranges = await everything(topic);
    const open = await fixture.foreignTransaction();
    await send(open, fixture.name, 'later');
    const { high, ...held } = await topic.offsets();
    expect({ ...held, high: before.high }).toEqual(before);
    // The open transaction's row is there, though nobody may read it yet.
    expect(sum(high)).toBe(sum(before.high) + 1n);
    expect(sortedIds(await readRanges(topic, ranges))).toEqual(upTo(30));
    await open.commit();
    await fixture.settled();
    const after = await topic.offsets();
    expect(Number(after.stable[0])).toBe(Number(before.stable[0]) + 2);
  });

  test('holds only a few fetches in memory, whatever the range', async () => {
    const topic = fixture.open();
    await publishRows(topic, windowOf(1, 60_000), () => rowsFrom(1, 60_000));
    await fixture.settled();
    const { stable } = await topic.offsets();
    const ranges = Object.entries(stable).map(([partition, to]) => ({
      partition: Number(partition),
      from: '0',
      to,
    }));
    let rows = 0;
    let largest = 0;
    const last = new Map<number, bigint>();
    const take: Parameters<OrdersTopic['read']>[1] = (chunk, range) => {
      rows += chunk.length;
      largest = Math.max(largest, chunk.length);
      for (const { partition, offset } of chunk) {
        expect(partition).toBe(range.partition);
        expect(offset > (last.get(partition) ?? -1n)).toBe(true);
        last.set(partition, offset);
      }
    };
    await topic.read(ranges, take, { signal: never });
    expect(rows).toBe(60_000);
    expect(largest).toBeLessThan(8_000);
  });

  test('given up half-way, or aborted, ends at once and spoils nothing', async () => {
    const topic = fixture.open();
    await publishRows(topic, windowOf(1), () => rowsFrom(1, 30_000));
    await fixture.settled();
    const { stable } = await topic.offsets();
    const ranges = [{ partition: 0, from: '0', to: stable[0] ?? '' }];
    let taken = 0;
    const givenUp = topic.read(
      [...ranges, { partition: 1, from: '0', to: stable[1] ?? '' }],
      () => {
        taken += 1;
        throw new Error('enough');
      },
      { signal: never },
    );
    await expect(givenUp).rejects.toThrow('enough');
    await sleep(300);
    // The other range ended with it; it may have had a chunk just then.
    expect(taken).toBeLessThanOrEqual(2);
    const abort = new AbortController();
    const seen: IncomingMessage[] = [];
    const cancelled = topic.read(
      ranges,
      (chunk) => {
        seen.push(...chunk);
        abort.abort(new Error('cancelled'));
      },
      { signal: abort.signal },
    );
    await expect(cancelled).rejects.toThrow('cancelled');
    expect(seen.length).toBeGreaterThan(0);
    expect(sortedIds(await fixture.readAll())).toEqual(upTo(30_000));
  });
});

const sum = (offsets: Offsets) =>
  Object.values(offsets).reduce((total, offset) => total + BigInt(offset), 0n);
