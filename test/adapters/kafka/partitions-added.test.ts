/** Partitions are added to the topic by Kafka's own tool, while connections to it are open. */
import type { OrdersLake } from '../../../ports';
import { createClaimMicroBatch, type ClaimInput } from '../../../activities/landing/claim-micro-batch';
import { createResolveOffsets } from '../../../activities/landing/resolve-offsets';
import { inActivity } from '../../helpers/activity';
import { kafkaCommandsIn, runKafkaTool } from '../../helpers/kafka-tools';
import { brokers, publishRows, rowsFrom, sortedIds, TopicFixture, upTo, windowOf } from './helpers';

jest.setTimeout(120_000);

const fixture = new TopicFixture();
const topic = fixture.open();
beforeAll(() => fixture.create());
afterAll(() => fixture.close());

const claim = (input: ClaimInput) =>
  inActivity(() =>
    createClaimMicroBatch({
      topic,
      lake: {} as OrdersLake, // asked for nothing, since none is known
      maxOffsets: 1_000,
      waitMs: 500,
      stopping: new AbortController().signal,
    })(input),
  );

async function addPartitions(count: number): Promise<void> {
  await fixture.admin.createPartitions({ topicPartitions: [{ topic: fixture.name, count }] });
}

test('an open adapter sees them, publishes to them, and a claim begins them at their first offset', async () => {
  const publish = (sequence: number) =>
    publishRows(topic, windowOf(sequence, 100), () => rowsFrom(sequence * 100 - 99, 100));
  await publish(1);
  await fixture.settled();
  const before = await topic.offsets();
  expect(Object.keys(before.stable)).toEqual(['0', '1', '2']);
  const waiting = claim({ next: before.stable, topicId: before.topicId! });
  await addPartitions(5);
  expect(await waiting).toMatchObject({ ranges: [], added: { '3': '0', '4': '0' } });
  expect(Object.keys((await topic.offsets()).stable)).toEqual(['0', '1', '2', '3', '4']);

  // The producer that was kept learns it at the end of a publish, at the latest.
  await publish(2);
  await publish(3);
  const messages = await fixture.readAll();
  expect(sortedIds(messages)).toEqual(upTo(300));
  for (const { key, partition } of messages.filter(({ key }) => Number(key) > 200))
    expect(partition).toBe(topic.partitionOf(String(key), 5));
  const claimed = await claim({ next: before.stable, topicId: before.topicId! });
  expect(claimed.ranges.map(({ partition }) => partition)).toEqual([0, 1, 2, 3, 4]);
  expect(claimed.ranges.filter(({ partition }) => partition > 2).map(({ from }) => from)).toEqual(['0', '0']);
});

test('what retention took of one before it was noticed is told as lost, with the commands that go on', async () => {
  const { stable } = await topic.offsets();
  const known = { '0': stable['0']!, '1': stable['1']!, '2': stable['2']!, '3': stable['3']! };
  const beyond = String(BigInt(stable['4']!) - 1n);
  await fixture.deleteRecords(4, beyond);
  await expect(claim({ next: known })).rejects.toMatchObject({
    type: 'DataLoss',
    message: expect.stringContaining(`partition 4 offsets 0 to ${BigInt(beyond) - 1n}`) as string,
  });
});

test('an operator may name them in a reset before a claim has seen them', async () => {
  const resolve = createResolveOffsets({ topic });
  const { earliest, topicId } = await topic.offsets();
  expect(await resolve({ offsets: { '4': earliest['4']! } })).toEqual({
    offsets: { '4': earliest['4'] },
    begins: { '0': '0', '1': '0', '2': '0', '3': '0', '4': '0' },
    topicId,
  });
});

test('fewer than the settings ask for: the command in the message adds them, and more are never refused', async () => {
  const wanting = fixture.open({ numPartitions: 6 });
  const failure: unknown = await wanting.ensure().catch((error: unknown) => error);
  expect(failure).toMatchObject({ type: 'TopicMismatch' });
  const [add, ...others] = kafkaCommandsIn((failure as Error).message);
  expect(others).toEqual([]);
  expect(add).toBe(
    `kafka-topics.sh --bootstrap-server ${brokers().join(',')} --alter --topic ${fixture.name} --partitions 6`,
  );
  await runKafkaTool(add);
  await wanting.ensure();
  await topic.ensure();
});
