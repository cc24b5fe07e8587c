/** Settings of the topic that keep messages out or take them away: told by name, with the command that mends them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { inspectKafka } from '../../../adapters/kafka/admin/inspect';
import { validateSettings } from '../../../adapters/kafka/topic/topic-settings';
import { kafkaCommandsIn, runKafkaTool } from '../../helpers/kafka-tools';
import {
  deleteTopic,
  publishRows,
  rowOf,
  rowsFrom,
  sortedIds,
  TopicFixture,
  upTo,
  windowOf,
} from './helpers';

jest.setTimeout(120_000);

const fixture = new TopicFixture();
const topic = fixture.open();
beforeAll(() => fixture.create());
afterAll(() => fixture.close());

const messageOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'no failure',
    (error: Error) => error.message,
  );

const mend = async (message: string): Promise<void> => {
  const commands = kafkaCommandsIn(message);
  expect(commands).toHaveLength(1);
  await runKafkaTool(commands[0]);
};

async function* keyless() {
  yield await Promise.resolve([{ ...rowOf(1), key: null }]);
}

/** As the clock of a worker may be. */
async function anHourBehind<T>(work: () => Promise<T>): Promise<T> {
  const now = Date.now;
  const clock = jest.spyOn(Date, 'now').mockImplementation(() => now() - 3_600_000);
  return work().finally(() => clock.mockRestore());
}

/** Whatever a broker still has to hear. */
async function untilTaken(work: () => Promise<unknown>): Promise<void> {
  for (const deadline = Date.now() + 10_000; ;) {
    try {
      await work();
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await sleep(200);
    }
  }
}

test('a topic as it is made has nothing to tell', async () => {
  expect(await topic.check()).toEqual({ warnings: [] });
});

test.each([
  ['message.timestamp.before.max.ms', '0'],
  ['max.message.bytes', '100'],
])('%s=%s is refused, until the command in the message has run', async (setting, value) => {
  await fixture.configure(setting, value);
  const failure = await topic.check().catch((error: unknown) => error);
  expect(failure).toMatchObject({
    type: 'TopicMismatch',
    message: expect.stringContaining(`topic ${fixture.name} has ${setting} ${value}`) as string,
  });
  await mend((failure as Error).message);
  expect(await topic.check()).toEqual({ warnings: [] });
});

test.each([
  ['cleanup.policy', 'compact', 'compaction removes messages'],
  ['retention.ms', '60000', 'what is deleted before it lands is lost'],
  ['message.timestamp.after.max.ms', '5000', 'clock differs by more'],
])('%s=%s is a warning at each start and of the doctor', async (setting, value, why) => {
  await fixture.configure(setting, value);
  const { warnings } = await topic.check();
  expect(warnings).toEqual([expect.stringContaining(why)]);
  const { topicConfig } = await inspectKafka(fixture.options());
  const found = validateSettings(fixture.options(), topicConfig);
  expect(found.map(({ severity, mend: command }) => ({ severity, command }))).toEqual([
    { severity: 'danger', command: kafkaCommandsIn(warnings[0]!)[0] },
  ]);
  await mend(warnings[0]!);
  expect(await topic.check()).toEqual({ warnings: [] });
});

test('changed while capture runs, a refused message names the setting, and the command lets it in', async () => {
  await fixture.configure('cleanup.policy', 'compact');
  const refused = await messageOf(publishRows(topic, windowOf(1), keyless));
  expect(refused).toMatch(/\(INVALID_RECORD\): a compacted topic takes no row without an order_id/);
  await mend(refused);
  await untilTaken(() => publishRows(topic, windowOf(1), keyless));

  // Not 0: the broker then refuses its own markers as well, see servers.test.ts.
  await fixture.configure('message.timestamp.before.max.ms', '60000');
  const late = await messageOf(anHourBehind(() => publishRows(topic, windowOf(2), () => rowsFrom(11, 10))));
  expect(late).toMatch(/\(INVALID_TIMESTAMP\): the clocks of this worker and the brokers differ/);
  await mend(late);
  await untilTaken(() => publishRows(topic, windowOf(2), () => rowsFrom(11, 10)));
});

test('the broker’s own timestamps and compression make no difference to what is read', async () => {
  // The second has no meaning then.
  const stamps = { 'message.timestamp.type': 'LogAppendTime', 'message.timestamp.before.max.ms': '0' };
  await fixture.configure('compression.type', 'producer', stamps);
  expect(await topic.check()).toEqual({ warnings: [] });
  for (const [index, codec] of ['gzip', 'snappy', 'lz4', 'zstd'].entries()) {
    await fixture.configure('compression.type', codec, stamps);
    await publishRows(topic, windowOf(index + 3), () => rowsFrom(index * 10 + 21, 10));
  }
  const messages = await fixture.readAll();
  expect(sortedIds(messages.filter(({ key }) => key !== null))).toEqual(upTo(60).slice(10));
  for (const { timestampMillis } of messages)
    expect(Math.abs(timestampMillis - Date.now())).toBeLessThan(120_000);
});

test('a topic that was deleted is made again by the command in the message', async () => {
  await deleteTopic(fixture.admin, fixture.name);
  const gone = await messageOf(fixture.open().offsets());
  expect(gone).toMatch(/\(UNKNOWN_TOPIC_OR_PARTITION\): the topic is not there/);
  await mend(gone);
  await untilTaken(async () =>
    expect(Object.keys((await fixture.open().offsets()).stable)).toEqual(['0', '1', '2']),
  );
});
