import { join } from 'node:path';
import type { BatchManifest, IncomingMessage, OrdersLake, OrdersTopic, OwnedBatch } from '../../ports';
import { createLandAgain } from '../../activities/landing/land-again';
import { createLandMicroBatch, type LandInput } from '../../activities/landing/land-micro-batch';
import { createOrdersLake } from '../../adapters/lake/writing';
import { inActivity } from '../helpers/activity';
import { contentsOf, entryFor, openLake, temporaryDirectory } from '../helpers/lake';
import { SILENT } from '../helpers/telemetry';

const batch: OwnedBatch = {
  epoch: 1,
  sequence: 1,
  ranges: [0, 1, 2].map((partition) => ({ partition, from: '0', to: '2' })),
};

/** The same order in every partition, as another producer may put it, each copy with an item of its own; and a bad row. */
const messages = batch.ranges.flatMap(({ partition }) => [
  message(partition, 0, `"item":"of partition ${partition}"`),
  message(partition, 1, '"item":""'),
]);

function message(partition: number, offset: number, item: string): IncomingMessage {
  const value = Buffer.from(
    `{"order_id":7,"customer_name":"a","restaurant_name":"b",${item},"amount":1.00,"order_status":"PLACED",` +
      '"created_at":"2025-11-18T10:00:00.000000Z"}',
  );
  return { partition, offset: BigInt(offset), timestampMillis: 0, key: null, value };
}

/** A topic whose partitions answer in this order. */
function answering(partitions: number[]): OrdersTopic {
  const read: OrdersTopic['read'] = async (ranges, take) => {
    for (const offset of [0n, 1n])
      for (const partition of partitions)
        await take(
          messages.filter((one) => one.partition === partition && one.offset === offset),
          ranges.find((range) => range.partition === partition)!,
        );
  };
  return { read, partitionOf: () => 0 } as unknown as OrdersTopic;
}

/** Without the time of the messages, which is no part of the lake's proof. */
async function land(
  topic: OrdersTopic,
  lake: OrdersLake,
  input: Partial<LandInput> = {},
): Promise<BatchManifest> {
  const landMicroBatch = createLandMicroBatch({ topic, lake });
  const result = await inActivity(() =>
    landMicroBatch({ ...batch, highWater: {}, reached: {}, partitions: 3, ...input }),
  );
  delete result.oldestMessage;
  return result;
}

let root: string;
let remove: () => Promise<void>;
let lake: OrdersLake;

beforeEach(async () => {
  ({ path: root, remove } = await temporaryDirectory());
  lake = createOrdersLake({ path: join(root, 'lake'), compression: 'snappy' }, SILENT);
  await openLake(lake);
});
afterEach(() => remove());

test('messages that are too much at once are left to smaller batches, in which each has its place', async () => {
  const large = Array.from({ length: 6 }, (_, offset) => ({
    ...message(0, offset, '"item":""'),
    value: Buffer.alloc(100_000, 'x'),
  }));
  let read = 0;
  const topic = {
    partitionOf: () => 0,
    read: (async ([range], take) => {
      for (const one of large) {
        if (one.offset < BigInt(range!.from) || one.offset >= BigInt(range!.to)) continue;
        read += 1;
        await take([one], range!);
      }
    }) satisfies OrdersTopic['read'],
  } as unknown as OrdersTopic;
  const landMicroBatch = createLandMicroBatch({ topic, lake, mostBytes: 250_000 });
  const of = (from: number, to: number) => ({
    ...batch,
    ranges: [{ partition: 0, from: String(from), to: String(to) }],
    highWater: {},
    reached: {},
    partitions: 3,
  });
  await expect(inActivity(() => landMicroBatch(of(0, 6)))).rejects.toMatchObject({ type: 'BatchTooWide' });
  expect(read).toBe(3);
  expect(await inActivity(() => landMicroBatch(of(0, 2)))).toMatchObject({ counts: { quarantined: 2 } });
  const one = createLandMicroBatch({ topic, lake, mostBytes: 1 });
  expect(await inActivity(() => one(of(0, 1)))).toMatchObject({ counts: { quarantined: 1 } });
});

test('a batch has the same rows, files and bytes, whichever partition answers first', async () => {
  const manifest = await land(answering([0, 1, 2]), lake);
  const contents = await contentsOf(root);
  expect(manifest.counts).toMatchObject({ read: 6, landed: 1, duplicate: 4, quarantined: 1 });
  expect(Object.keys(contents)).toHaveLength(2);
  expect(await land(answering([2, 0, 1]), lake)).toEqual(manifest);
  expect(await contentsOf(root)).toEqual(contents);
});

test('a batch that is committed is not read again: its manifest is the ledger’s', async () => {
  const manifest = await land(answering([0, 1, 2]), lake);
  await lake.commit({ ...entryFor(batch, manifest), counts: manifest.counts, highWater: manifest.highWater });
  const unreadable = {
    read: () => {
      throw new Error('the offsets must not be read again');
    },
  } as unknown as OrdersTopic;
  expect(await land(unreadable, lake)).toEqual(manifest);
});

describe('a message without a created_at has no position, so it is known again by its offset', () => {
  /** One at this offset of partition 0, always with the same bytes. */
  const unreadable = (offset: number): OrdersTopic => {
    const read: OrdersTopic['read'] = async ([range], take) =>
      take([{ ...message(0, offset, '"item":""'), value: Buffer.from('no JSON') }], range!);
    return { read, partitionOf: () => 0 } as unknown as OrdersTopic;
  };
  const at = (sequence: number, offset: number) => ({
    epoch: 1,
    sequence,
    ranges: [{ partition: 0, from: String(offset), to: String(offset + 1) }],
  });
  const reached = { '0': '1' };
  const ofNew = { topicId: 'new', topicSince: 2 };

  beforeEach(async () => {
    const manifest = await land(unreadable(0), lake, at(1, 0));
    expect(manifest.counts).toMatchObject({ quarantined: 1 });
    await lake.commit(entryFor(at(1, 0), manifest));
  });

  test('read again after a reset it is a repeat, sent again it is new', async () => {
    const reread = await land(unreadable(0), lake, { ...at(2, 0), reached });
    expect(reread.counts).toMatchObject({ quarantined: 0, duplicate: 1 });
    const sentAgain = await land(unreadable(1), lake, { ...at(2, 1), reached });
    expect(sentAgain.counts).toMatchObject({ quarantined: 1, duplicate: 0 });
  });

  test('at the same offset of a topic that was recreated it is another one, also when that is read again', async () => {
    for (const sequence of [2, 3]) {
      const batch = { ...at(sequence, 0), ...ofNew };
      const manifest = await land(unreadable(0), lake, {
        ...batch,
        reached: { '0': sequence === 2 ? '0' : '1' },
      });
      expect(manifest.counts).toMatchObject({ quarantined: 3 - sequence, duplicate: sequence - 2 });
      await lake.commit({ ...entryFor(batch, manifest), topicSince: 2 });
    }
  });

  describe('a replay', () => {
    const replay = (batch: number, topic = {}) => {
      const landAgain = createLandAgain({ topic: unreadable(0), lake });
      return inActivity(() =>
        landAgain({ epoch: 1, sequence: 3, batch, highWater: {}, partitions: 3, dryRun: false, ...topic }),
      );
    };

    test('of the batch that read it again finds it in the first one', async () => {
      await lake.commit(entryFor(at(2, 0), await land(unreadable(0), lake, { ...at(2, 0), reached })));
      expect((await replay(2)).manifest.counts).toMatchObject({ quarantined: 0, duplicate: 1 });
    });

    test('of a batch of the new topic keeps what has the same offset and bytes in the old one', async () => {
      const batch = { ...at(2, 0), ...ofNew };
      await lake.commit({ ...entryFor(batch, await land(unreadable(0), lake, batch)), topicSince: 2 });
      expect((await replay(2, ofNew)).manifest.counts).toMatchObject({ quarantined: 1, duplicate: 0 });
    });

    test('of a batch of the old topic is refused: its offsets are other messages now', async () => {
      const refusal = { type: 'DataLoss', message: expect.stringContaining('recreated since') as string };
      // Its entry is of version 0.2.0, without the topic's id; then of a version that has written it.
      await expect(replay(1, ofNew)).rejects.toMatchObject(refusal);
      await lake.commit({ ...entryFor({ ...at(2, 0), topicId: 'old' }) });
      await expect(replay(2, ofNew)).rejects.toMatchObject(refusal);
    });
  });
});
