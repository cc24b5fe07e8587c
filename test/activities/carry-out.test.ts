import { asyncLocalStorage, type Context } from '@temporalio/activity';
import { join } from 'node:path';
import type { IncomingMessage, OrdersLake, OrdersTopic, OwnedBatch } from '../../activities/interfaces';
import { createLandMicroBatch, type LandInput } from '../../activities/land/land-micro-batch';
import { createOrdersLake } from '../../adapters/lake';
import { contentsOf, entryFor, openLake, temporaryFolder } from '../helpers/lake';

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
  async function* read(): AsyncGenerator<readonly IncomingMessage[]> {
    for (const offset of [0n, 1n])
      for (const partition of partitions)
        yield await Promise.resolve(
          messages.filter((one) => one.partition === partition && one.offset === offset),
        );
  }
  return { read, partitionOf: () => 0 } as unknown as OrdersTopic;
}

function land(topic: OrdersTopic, lake: OrdersLake, input: Partial<LandInput> = {}) {
  const context = {
    info: { attempt: 1 },
    cancellationSignal: new AbortController().signal,
    heartbeat: () => undefined,
  } as unknown as Context;
  const landMicroBatch = createLandMicroBatch({ topic, lake });
  return asyncLocalStorage.run(context, () =>
    landMicroBatch({ ...batch, highWater: {}, reached: {}, ...input }),
  );
}

let root: string;
let remove: () => Promise<void>;
let lake: OrdersLake;

beforeEach(async () => {
  ({ path: root, remove } = await temporaryFolder());
  lake = createOrdersLake({ path: join(root, 'lake'), compression: 'snappy' });
  await openLake(lake);
});
afterEach(() => remove());

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

test('what has no created_at is known again by its offset: re-read it is in the quarantine once, sent again it is new', async () => {
  const partition = 0;
  const again = (offset: number): OrdersTopic => {
    async function* read() {
      yield await Promise.resolve([
        { ...message(partition, offset, '"item":""'), value: Buffer.from('no JSON') },
      ]);
    }
    return { read, partitionOf: () => 0 } as unknown as OrdersTopic;
  };
  const ranges = (offset: number) => [{ partition, from: String(offset), to: String(offset + 1) }];
  const first = { sequence: 1, ranges: ranges(0) };
  const manifest = await land(again(0), lake, first);
  expect(manifest.counts).toMatchObject({ quarantined: 1 });
  await lake.commit({ ...entryFor({ epoch: 1, ...first }, manifest) });
  const reached = { [partition]: '1' };
  const reread = await land(again(0), lake, { sequence: 2, ranges: ranges(0), reached });
  expect(reread.counts).toMatchObject({ quarantined: 0, duplicate: 1 });
  const sentAgain = await land(again(1), lake, { sequence: 2, ranges: ranges(1), reached });
  expect(sentAgain.counts).toMatchObject({ quarantined: 1, duplicate: 0 });
});
