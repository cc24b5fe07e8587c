import { createOrdersTopic } from '../../../adapters/kafka';
import { ownStack, type OwnStack } from '../../../dev/torture/own-stack';
import { never, publishRows, readRanges, rowsFrom, sortedIds, upTo, windowOf } from './helpers';
import { SILENT } from '../../helpers/telemetry';

jest.setTimeout(180_000);

describe('a broker that is killed and comes back', () => {
  let stack: OwnStack;
  let brokers: string[];
  beforeAll(async () => {
    stack = await ownStack({ servers: ['kafka'] });
    brokers = stack.addresses.KAFKA_BROKERS.split(',');
  });
  afterAll(() => stack.destroy());

  test('is transient for some seconds at most a call, and the same object works again afterwards', async () => {
    const topic = createOrdersTopic({
      brokers,
      telemetry: SILENT,
      topic: 'orders',
      numPartitions: 3,
      replicationFactor: 1,
      consumerGroup: 'group',
    });
    await topic.ensure();
    await publishRows(topic, windowOf(1), () => rowsFrom(1, 10));
    const { stable } = await topic.offsets();
    const ranges = Object.entries(stable).map(([partition, to]) => ({
      partition: Number(partition),
      from: '0',
      to,
    }));

    // Killed in the middle of a publish and of a long poll.
    async function* rows() {
      yield* rowsFrom(11, 20_000);
      await stack.kill('kafka');
      yield* rowsFrom(20_011, 20_000);
    }
    const end = { '0': '100000', '1': '100000', '2': '100000' };
    const polling = topic.awaitMessages(stable, { maxWaitMs: 60_000, signal: never });
    polling.catch(() => undefined);
    const publishing = publishRows(topic, windowOf(2), rows);
    await expect(publishing).rejects.toThrow(
      `Kafka at ${brokers.join()}, publishing window 2 of topic orders`,
    );
    await expect(publishing).rejects.not.toMatchObject({ name: 'NonRetryableError' });
    await polling.catch(() => undefined); // resolved by the rows, or ended by the crash

    for (const call of [
      () => topic.offsets(),
      () => topic.progress(),
      () => topic.ensure(),
      () => topic.commitGroupOffsets(stable),
      () => readRanges(topic, ranges),
      () => publishRows(topic, windowOf(2), () => rowsFrom(11, 10)),
      () => topic.awaitMessages(end, { maxWaitMs: 100, signal: never }),
    ]) {
      const started = Date.now();
      await expect(call()).rejects.toThrow(`Kafka at ${brokers.join()}`);
      expect(Date.now() - started).toBeLessThan(8_000);
    }

    await stack.up();
    expect(await publishRows(topic, windowOf(2), () => rowsFrom(11, 10))).toMatchObject({
      rows: 10,
      already: false,
    });
    expect(await topic.progress()).toMatchObject({ sequence: 2 });
    await topic.commitGroupOffsets(stable);
    const after = await topic.offsets();
    const all = Object.entries(after.stable).map(([partition, to]) => ({
      partition: Number(partition),
      from: '0',
      to,
    }));
    expect(sortedIds(await readRanges(topic, all))).toEqual(upTo(20));
    await topic.close();
  });
});
