/** A topic that was deleted and recreated has another id, and nothing that was said of the old one's offsets is believed. */
import { createClaimMicroBatch } from '../../../activities/landing/claim-micro-batch';
import { createLandMicroBatch } from '../../../activities/landing/land-micro-batch';
import { createOpenLanding } from '../../../activities/landing/open-landing';
import { createResolveOffsets } from '../../../activities/landing/resolve-offsets';
import type { IncomingMessage, OrdersLake, OrdersTopic } from '../../../ports';
import { Connection } from '../../../adapters/kafka/transport/connection';
import type { Receiver } from '../../../adapters/kafka/transport/send-request';
import { describeTopic } from '../../../adapters/kafka/topic/topic-id';
import { createOrdersLake } from '../../../adapters/lake/writing';
import { inActivity } from '../../helpers/activity';
import { contentsOf, entryFor, temporaryDirectory } from '../../helpers/lake';
import { everything, never, publishRows, rowOf, rowsFrom, TopicFixture, windowOf } from './helpers';
import { SILENT } from '../../helpers/telemetry';

jest.setTimeout(60_000);

let fixture: TopicFixture;
let topic: OrdersTopic;
beforeEach(async () => {
  fixture = new TopicFixture();
  topic = await fixture.create();
});
afterEach(() => fixture.close());

/** Publishes to a topic without a record of it, whatever was published before by another. */
async function fill(rows: number): Promise<void> {
  await publishRows(fixture.open(), windowOf(1), () => rowsFrom(1, rows));
  await fixture.settled();
}

describe('the id', () => {
  test('is the topic’s for as long as it lives, and never again', async () => {
    const id = await topic.id();
    expect(id).toMatch(/^[\w-]{22}$/);
    await fill(10);
    expect(await fixture.open().offsets()).toMatchObject({ topicId: id });
    await fixture.recreate();
    const anew = await topic.id();
    expect(anew).toMatch(/^[\w-]{22}$/);
    expect(anew).not.toBe(id);
    expect(await topic.offsets()).toMatchObject({ topicId: anew });
  });

  test('of a topic that does not exist is asked for in vain, and creates none', async () => {
    const missing = fixture.open({ topic: `${fixture.name}-missing` });
    await expect(missing.id()).rejects.toThrow('UNKNOWN_TOPIC_OR_PARTITION');
    expect(await fixture.admin.listTopics()).not.toContain(`${fixture.name}-missing`);
  });

  test('is unknown where the broker offers no such version, or gave the topic none', async () => {
    const connection = new Connection(fixture.options());
    await connection.open();
    try {
      const [nodeId = -1] = connection.leaders([0]).keys();
      const { versions, connectionPool } = await connection.broker(nodeId);
      const raw = Buffer.from((await topic.id())!, 'base64url');
      // What Kafka 2.7 offers; and what a newer one answers while the cluster is being upgraded.
      const older: Receiver = {
        versions: { ...versions, 3: { minVersion: 0, maxVersion: 9 } },
        connectionPool,
      };
      const upgrading: Receiver = {
        versions,
        connectionPool: {
          send: (request) =>
            connectionPool.send({
              ...request,
              response: {
                ...request.response,
                decode: (payload) => {
                  payload.fill(0, payload.indexOf(raw), payload.indexOf(raw) + raw.length);
                  return request.response.decode(payload);
                },
              },
            }),
        },
      };
      expect(await describeTopic(older, fixture.name)).toEqual({ id: undefined, partitions: 3 });
      expect(await describeTopic(upgrading, fixture.name)).toEqual({ id: undefined, partitions: 3 });
    } finally {
      connection.destroy();
    }
  });
});

describe('a landing of a topic that was deleted, recreated and filled past the old offsets', () => {
  const next = { '0': '10', '1': '10', '2': '10' };
  const claimFrom = (input: Parameters<ReturnType<typeof createClaimMicroBatch>>[0]) => {
    const stopping = new AbortController().signal;
    const claimMicroBatch = createClaimMicroBatch({ topic, lake, maxOffsets: 1_000, waitMs: 500, stopping });
    return inActivity(() => claimMicroBatch(input));
  };

  let root: string;
  let remove: () => Promise<void>;
  let lake: OrdersLake;
  let id: string;
  beforeEach(async () => {
    ({ path: root, remove } = await temporaryDirectory());
    lake = createOrdersLake({ path: root, compression: 'snappy' }, SILENT);
    id = (await topic.id())!;
    await fill(90);
  });
  afterEach(() => remove());

  async function expectDataLoss(work: Promise<unknown>): Promise<void> {
    await expect(work).rejects.toMatchObject({ name: 'NonRetryableError', type: 'DataLoss' });
    const message = `recreated: its id is ${await topic.id()}, but the offsets to land next (0: 1`;
    await expect(work).rejects.toThrow(message);
    await expect(work).rejects.toThrow(`the id ${id}`);
  }

  test('is told which topic its ranges are of, and stops at the next claim', async () => {
    const claim = await claimFrom({ next });
    expect(claim).toMatchObject({ topicId: id, ranges: [{ from: '10' }, { from: '10' }, { from: '10' }] });
    expect(await claimFrom({ next, topicId: id })).toEqual(claim);
    await fixture.recreate();
    await fill(90);
    await expectDataLoss(claimFrom({ next, topicId: id }));
    // Without an id it goes on as version 0.2.0 did: this is the hole that the id closes.
    expect(await claimFrom({ next })).toMatchObject({
      ranges: [{ from: '10' }, { from: '10' }, { from: '10' }],
    });
  });

  test('opens the lake at the old offsets, with the id of the old topic', async () => {
    const openLanding = () => inActivity(createOpenLanding({ topic, lake }));
    expect(await openLanding()).toMatchObject({ next: { '0': '0' }, topicId: id });
    await fixture.recreate();
    await fill(90);
    expect(await openLanding()).toMatchObject({ next: { '0': '0' }, topicId: id });
    const ranges = [{ partition: 0, from: '0', to: '10' }];
    await lake.commit({ ...entryFor({ epoch: 2, sequence: 1, ranges, topicId: id }), topicSince: 1 });
    expect(await openLanding()).toMatchObject({ next: { '0': '10' }, topicId: id, topicSince: 1 });
  });

  test('does not land ranges that were claimed before', async () => {
    const { ranges, topicId } = await claimFrom({ next, topicId: id });
    const { epoch } = await inActivity(createOpenLanding({ topic, lake }));
    const before = await contentsOf(root);
    await fixture.recreate();
    await fill(90);
    const landMicroBatch = createLandMicroBatch({ topic, lake });
    const batch = { epoch, sequence: 1, ranges, highWater: {}, reached: next, topicId: topicId! };
    await expectDataLoss(inActivity(() => landMicroBatch(batch)));
    expect(await contentsOf(root)).toEqual(before);
  });

  test('takes no offsets but the earliest from an operator', async () => {
    const resolveOffsets = createResolveOffsets({ topic });
    expect(await resolveOffsets({ offsets: { '0': '5' }, topicId: id })).toMatchObject({
      offsets: { '0': '5' },
      topicId: id,
    });
    await fixture.recreate();
    await fill(90);
    const { problem } = await resolveOffsets({ offsets: { '0': '5' }, topicId: id });
    expect(problem).toContain(`its id was ${id}, it is ${await topic.id()}`);
    expect(await resolveOffsets({ offsets: 'earliest', topicId: id })).toEqual({
      offsets: { '0': '0', '1': '0', '2': '0' },
      topicId: await topic.id(),
    });
  });
});

test('what was read while the topic was recreated ends in a DataLoss', async () => {
  const topicId = await topic.id();
  const wide = Array.from({ length: 30 }, (_, id) => ({
    ...rowOf(id),
    key: '1',
    value: Buffer.alloc(200_000, 'x'),
  }));
  async function* rows() {
    yield await Promise.resolve(wide);
  }
  await publishRows(topic, windowOf(1), rows);
  await fixture.settled();
  const ranges = (await everything(topic)).filter(({ from, to }) => from !== to);
  expect(ranges).toHaveLength(1);
  let read = 0;
  const reading = () => {
    const take = async (chunk: readonly IncomingMessage[]) => {
      if (read === 0) {
        await fixture.recreate();
        await publishRows(fixture.open(), windowOf(1), rows);
        await fixture.settled();
      }
      read += chunk.length;
    };
    return topic.read(ranges, take, { signal: never, topicId });
  };
  await expect(reading()).rejects.toThrow('recreated');
  // Every message was delivered, some of them by the new topic: only the look at the end tells.
  expect(read).toBe(30);
});
