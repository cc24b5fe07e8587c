import { PROGRESS_GROUP } from '../../../adapters/kafka';
import { ConnectionPool } from '../../../adapters/kafka/transport/connection-pool';
import { TransactionalProducer } from '../../../adapters/kafka/producer/transactional-producer';
import { eventually } from '../../helpers/pipeline';
import {
  everything,
  never,
  publishRows,
  readRanges,
  rowsFrom,
  sortedIds,
  TopicFixture,
  upTo,
  windowOf,
} from './helpers';

describe('renewing the progress record', () => {
  let fixture: TopicFixture;
  beforeEach(async () => {
    fixture = new TopicFixture();
    await fixture.create();
  });
  afterEach(() => fixture.close());

  test('writes it again as it stands, in Kafka’s own log of offsets, and adds no row', async () => {
    const topic = fixture.open();
    await publishRows(topic, windowOf(1), () => rowsFrom(1, 10));
    expect(await writtenRecords(fixture, 1)).toEqual([1]);
    await fixture.open().renewProgress(1, { signal: never });
    await fixture.open().renewProgress(1, { signal: never });
    expect(await writtenRecords(fixture, 3)).toEqual([1, 1, 1]);
    expect(await topic.progress()).toMatchObject({ ...windowOf(1), rows: 10 });
    expect(sortedIds(await fixture.readAll())).toEqual(upTo(10));
  });

  test('fences the publisher before it, and the next publish of either goes on', async () => {
    const [first, second] = [fixture.open(), fixture.open()];
    await publishRows(first, windowOf(1), () => rowsFrom(1, 10));
    await second.renewProgress(1, { signal: never });
    await expect(publishRows(first, windowOf(2), () => rowsFrom(11, 10))).rejects.toThrow(
      /INVALID_PRODUCER_EPOCH|PRODUCER_FENCED/,
    );
    await publishRows(first, windowOf(2), () => rowsFrom(11, 10));
    await first.renewProgress(2, { signal: never });
    // By the producer that the renewal left, which need not ask where it is.
    await publishRows(first, windowOf(3), () => rowsFrom(21, 10));
    expect(sortedIds(await fixture.readAll())).toEqual(upTo(30));
  });

  test('of another sequence, or of none, is a CaptureConflict and writes nothing', async () => {
    const topic = fixture.open();
    const conflict = { name: 'NonRetryableError', type: 'CaptureConflict' };
    await expect(topic.renewProgress(1, { signal: never })).rejects.toMatchObject(conflict);
    await publishRows(topic, windowOf(1), () => rowsFrom(1, 10));
    await publishRows(topic, windowOf(2), () => rowsFrom(11, 10));
    const late = fixture.open().renewProgress(1, { signal: never });
    await expect(late).rejects.toMatchObject(conflict);
    await expect(late).rejects.toThrow('should be that of window 1, but is 2 (');
    expect(await writtenRecords(fixture, 2)).toEqual([1, 2]);
  });

  test('an attempt that was overtaken can no longer write', async () => {
    await publishRows(fixture.open(), windowOf(1), () => rowsFrom(1, 10));
    const pool = new ConnectionPool(fixture.options());
    const zombie = await TransactionalProducer.open(
      await pool.acquire(),
      `orders-capture-${fixture.name}`,
      never,
    );
    await publishRows(fixture.open(), windowOf(2), () => rowsFrom(11, 10));
    await expect(zombie.commit({ ...windowOf(1), rows: 10 }, never)).rejects.toThrow();
    pool.close();
    expect(await fixture.open().progress()).toMatchObject({ sequence: 2 });
  });
});

/** The sequences of all progress records that were ever committed for the topic, once there are so many. */
async function writtenRecords(fixture: TopicFixture, atLeast: number): Promise<number[]> {
  const offsets = fixture.open({ topic: '__consumer_offsets' });
  return eventually(async () => {
    const written = (await readRanges(offsets, await everything(offsets)))
      .filter(({ key }) => key?.includes(PROGRESS_GROUP) && key.includes(fixture.name))
      .map(({ value }) => Number(/"sequence":(\d+)/.exec(String(value))![1]));
    expect(written.length).toBeGreaterThanOrEqual(atLeast);
    return written;
  });
}
