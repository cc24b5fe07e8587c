import { setTimeout as sleep } from 'node:timers/promises';
import { publishRows, rowsFrom, TopicFixture, windowOf } from './helpers';

jest.setTimeout(60_000);

const never = new AbortController().signal;

async function elapsed(work: Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work;
  return performance.now() - started;
}

describe('the topic', () => {
  const fixture = new TopicFixture();
  beforeAll(() => fixture.create());
  afterAll(() => fixture.close());

  test('is created once, and can be used at once', async () => {
    const topic = fixture.open();
    await Promise.all([topic.ensure(), fixture.open().ensure()]);
    expect(await topic.offsets()).toMatchObject({
      earliest: { '0': '0', '1': '0', '2': '0' },
      stable: { '0': '0', '1': '0', '2': '0' },
    });
  });

  test('with fewer partitions than the settings ask for is a TopicMismatch that says both', async () => {
    const topic = fixture.open({ numPartitions: 6 });
    const expected = `topic ${fixture.name} has 3 partitions, the settings ask for 6 or more`;
    await expect(topic.ensure()).rejects.toMatchObject({ type: 'TopicMismatch' });
    await expect(topic.ensure()).rejects.toThrow(expected);
    // Whoever does not ask first must not send keys to other partitions either.
    await expect(topic.offsets()).rejects.toThrow(expected);
  });

  test('that does not exist is a transient error that names brokers and topic', async () => {
    const failure = fixture.open({ topic: 'no-such-topic' }).offsets();
    await expect(failure).rejects.toThrow(
      /^Kafka at \S+:\d+, listing offsets of topic no-such-topic: .*UNKNOWN_TOPIC/,
    );
    await expect(failure).rejects.not.toMatchObject({ name: 'NonRetryableError' });
  });

  test('of a name that Kafka does not allow is InvalidSettings', async () => {
    await expect(fixture.open({ topic: 'no spaces' }).ensure()).rejects.toMatchObject({
      type: 'InvalidSettings',
    });
  });

  test('without brokers is transient within seconds', async () => {
    const topic = fixture.open({ brokers: ['127.0.0.1:1', '127.0.0.1:2'] });
    const started = Date.now();
    await expect(topic.offsets()).rejects.toThrow('Kafka at 127.0.0.1:1, 127.0.0.1:2, listing offsets');
    await expect(topic.ensure()).rejects.toThrow('ECONNREFUSED');
    expect(Date.now() - started).toBeLessThan(10_000);
  });

  test('shows the landing in its consumer group, again and again', async () => {
    const topic = fixture.open();
    await topic.commitGroupOffsets({ '0': '5', '1': '0', '2': '7' });
    await topic.commitGroupOffsets({ '0': '5', '1': '0', '2': '9' });
    await topic.commitGroupOffsets({ '0': '5', '1': '0', '2': '9' });
    const [offsets] = await fixture.admin.fetchOffsets({
      groupId: `group-${fixture.name}`,
      topics: [fixture.name],
    });
    expect(offsets?.partitions.map(({ partition, offset }) => [partition, offset]).sort()).toEqual([
      [0, '5'],
      [1, '0'],
      [2, '9'],
    ]);
  });
});

/** At once, on a machine that does other things: a fraction of the time that is waited at most. */
const SOON_MS = 5_000;

describe('waiting for messages', () => {
  const fixture = new TopicFixture();
  beforeAll(() => fixture.create());
  afterAll(() => fixture.close());

  test('ends at once where there are some, else after the time', async () => {
    const topic = fixture.open();
    await publishRows(topic, windowOf(1), () => rowsFrom(1, 10));
    await fixture.settled();
    const { stable } = await topic.offsets();
    expect(
      await elapsed(
        topic.awaitMessages({ '0': '0', '1': '0', '2': '0' }, { maxWaitMs: 30_000, signal: never }),
      ),
    ).toBeLessThan(SOON_MS);
    const quiet = await elapsed(topic.awaitMessages(stable, { maxWaitMs: 700, signal: never }));
    expect(quiet).toBeGreaterThan(650);
    expect(quiet).toBeLessThan(700 + SOON_MS);
  });

  test('ends when a transaction commits, not when its rows arrive', async () => {
    const topic = fixture.open();
    const { stable } = await topic.offsets();
    const transaction = await fixture.foreignTransaction();
    const woken: number[] = [];
    const waiting = topic
      .awaitMessages(stable, { maxWaitMs: 30_000, signal: never })
      .then(() => woken.push(performance.now()));
    await transaction.send({ topic: fixture.name, messages: [{ key: 'k', value: 'v', partition: 0 }] });
    await sleep(700);
    expect(woken).toEqual([]);
    await transaction.commit();
    const committed = performance.now();
    await waiting;
    expect((woken[0] ?? Infinity) - committed).toBeLessThan(SOON_MS);
  });

  test('behind an open transaction does not spin', async () => {
    const topic = fixture.open();
    const { stable } = await topic.offsets();
    const transaction = await fixture.foreignTransaction();
    await transaction.send({ topic: fixture.name, messages: [{ key: 'k', value: 'v', partition: 0 }] });
    expect(await elapsed(topic.awaitMessages(stable, { maxWaitMs: 700, signal: never }))).toBeGreaterThan(
      650,
    );
    await transaction.abort();
  });

  test('ends at once when aborted, and the next wait works', async () => {
    const topic = fixture.open();
    const { stable } = await topic.offsets();
    const abort = new AbortController();
    setTimeout(() => abort.abort(new Error('cancelled')), 200);
    const waiting = topic.awaitMessages(stable, { maxWaitMs: 30_000, signal: abort.signal });
    const started = performance.now();
    await expect(waiting).rejects.toThrow('cancelled');
    expect(performance.now() - started).toBeLessThan(SOON_MS);
    await topic.awaitMessages(stable, { maxWaitMs: 100, signal: never });
  });
});
