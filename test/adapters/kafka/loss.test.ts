import { setTimeout as sleep } from 'node:timers/promises';
import { publishRows, readRanges, rowsFrom, TopicFixture, windowOf } from './helpers';

jest.setTimeout(60_000);

describe('offsets that Kafka no longer has', () => {
  let fixture: TopicFixture;
  beforeEach(async () => {
    fixture = new TopicFixture();
    await fixture.create();
  });
  afterEach(() => fixture.close());

  test('deleted rows are a DataLoss that names partition and offsets', async () => {
    const topic = fixture.open();
    await publishRows(topic, windowOf(1), () => rowsFrom(1, 3_000));
    await fixture.deleteRecords(1, '100');
    expect((await topic.offsets()).earliest).toEqual({ '0': '0', '1': '100', '2': '0' });
    const reading = readRanges(topic, [{ partition: 1, from: '40', to: '500' }]);
    await expect(reading).rejects.toMatchObject({ name: 'NonRetryableError', type: 'DataLoss' });
    await expect(reading).rejects.toThrow('partition 1: offsets 40 to 99 are gone');
    const within = readRanges(topic, [{ partition: 1, from: '40', to: '60' }]);
    await expect(within).rejects.toThrow('offsets 40 to 59 are gone');
    expect(await readRanges(topic, [{ partition: 1, from: '100', to: '110' }])).toHaveLength(10);
  });

  test('a start beyond the end, as after a topic was recreated, is a DataLoss with words of its own', async () => {
    const topic = fixture.open();
    await publishRows(topic, windowOf(1), () => rowsFrom(1, 30));
    const reading = readRanges(topic, [{ partition: 0, from: '5000', to: '5010' }]);
    await expect(reading).rejects.toMatchObject({ type: 'DataLoss' });
    await expect(reading).rejects.toThrow('partition 0: offset 5000 was seen, but the log now ends at');
  });

  test('an end beyond the end is a DataLoss once it lasts, never an early end of the range', async () => {
    const topic = fixture.open();
    await publishRows(topic, windowOf(1), () => rowsFrom(1, 30));
    const reading = readRanges(topic, [{ partition: 0, from: '0', to: '5010' }]);
    await expect(reading).rejects.toMatchObject({ type: 'DataLoss' });
    await expect(reading).rejects.toThrow('offset 5009 was seen, but the log now ends at');
  });

  test('an end above the last stable offset waits for the transaction to end', async () => {
    const topic = fixture.open();
    const transaction = await fixture.foreignTransaction();
    await transaction.send({ topic: fixture.name, messages: [{ key: 'k', value: 'v', partition: 0 }] });
    const reading = readRanges(topic, [{ partition: 0, from: '0', to: '1' }]);
    await sleep(700);
    await transaction.commit();
    expect(await reading).toHaveLength(1);
  });

  test('waiting beyond the end of the log is a DataLoss, below its start it ends at once', async () => {
    const topic = fixture.open();
    await publishRows(topic, windowOf(1), () => rowsFrom(1, 3_000));
    await fixture.deleteRecords(1, '100');
    const options = { maxWaitMs: 30_000, signal: new AbortController().signal };
    const { stable } = await topic.offsets();
    const started = Date.now();
    await topic.awaitMessages({ ...stable, '1': '50' }, options);
    expect(Date.now() - started).toBeLessThan(5_000); // of 30
    await expect(topic.awaitMessages({ ...stable, '1': '90000' }, options)).rejects.toMatchObject({
      type: 'DataLoss',
    });
  });
});
