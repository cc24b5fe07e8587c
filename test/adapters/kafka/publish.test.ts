import { setTimeout as sleep } from 'node:timers/promises';
import type { OutgoingMessage } from '../../../ports';
import { PROGRESS_GROUP } from '../../../adapters/kafka';
import {
  never,
  publishRows,
  refuseOversized,
  rowsFrom,
  sortedIds,
  TopicFixture,
  upTo,
  windowOf,
} from './helpers';

jest.setTimeout(60_000);

const noRows = () => {
  throw new Error('the rows must not be read again');
};

describe('publishing a window', () => {
  let fixture: TopicFixture;
  beforeEach(async () => {
    fixture = new TopicFixture();
    await fixture.create();
  });
  afterEach(() => fixture.close());

  test('puts the rows into the topic once, with the progress record', async () => {
    const topic = fixture.open();
    expect(await topic.progress()).toBeUndefined();
    const seen: number[] = [];
    const result = await topic.publish(windowOf(1), () => rowsFrom(1, 10), {
      signal: never,
      onProgress: (rows) => seen.push(rows),
      onOversized: refuseOversized,
    });
    expect(result).toMatchObject({ rows: 10, already: false });
    expect(seen).toEqual([10]);
    expect(await topic.progress()).toMatchObject({ ...windowOf(1), rows: 10 });
    expect(sortedIds(await fixture.readAll())).toEqual(upTo(10));
  });

  test('goes on with the next windows in the same process', async () => {
    const topic = fixture.open();
    for (const sequence of [1, 2, 3]) {
      const result = await publishRows(topic, windowOf(sequence), () =>
        rowsFrom((sequence - 1) * 10 + 1, 10),
      );
      expect(result).toMatchObject({ rows: 10, already: false });
    }
    expect(sortedIds(await fixture.readAll())).toEqual(upTo(30));
    expect(await topic.progress()).toMatchObject({ sequence: 3 });
  });

  test('of no rows records the progress alone', async () => {
    const topic = fixture.open();
    expect(await publishRows(topic, windowOf(1), () => rowsFrom(1, 0))).toMatchObject({
      rows: 0,
      already: false,
    });
    expect(await topic.progress()).toMatchObject({ ...windowOf(1), rows: 0 });
  });

  test.each([
    ['the same process', true],
    ['another process', false],
  ])('again, in %s, reads and writes nothing', async (_where, same) => {
    const first = fixture.open();
    await publishRows(first, windowOf(1), () => rowsFrom(1, 10));
    const second = same ? first : fixture.open();
    expect(await publishRows(second, windowOf(1), noRows)).toMatchObject({ rows: 10, already: true });
    expect(await publishRows(second, windowOf(2), () => rowsFrom(11, 5))).toMatchObject({
      rows: 5,
      already: false,
    });
    expect(sortedIds(await fixture.readAll())).toEqual(upTo(15));
  });

  test.each([
    ['this sequence with another window', { ...windowOf(2), upper: windowOf(9).upper }],
    ['an older sequence', windowOf(1)],
    ['a sequence that leaves one out', windowOf(4)],
  ])('of %s is a CaptureConflict that shows both windows', async (_case, window) => {
    const topic = fixture.open();
    await publishRows(topic, windowOf(1), () => rowsFrom(1, 10));
    await publishRows(topic, windowOf(2), () => rowsFrom(11, 10));
    const failure = publishRows(fixture.open(), window, noRows);
    await expect(failure).rejects.toMatchObject({ name: 'NonRetryableError', type: 'CaptureConflict' });
    await expect(failure).rejects.toThrow(`window ${window.sequence} (2025-11-18 10:00:00.000000|`);
    await expect(failure).rejects.toThrow('last published is 2 (2025-11-18 10:00:00.000000|10, ');
  });

  test('of a later sequence without any record is a CaptureConflict', async () => {
    const failure = publishRows(fixture.open(), windowOf(2), noRows);
    await expect(failure).rejects.toMatchObject({ type: 'CaptureConflict' });
    await expect(failure).rejects.toThrow('no progress record');
  });

  test('keeps keys, null keys and values byte for byte, on the partition Java would choose', async () => {
    const topic = fixture.open();
    const values = ['日本語 🍜', 'a\u2028b', '"quoted"\t\n\\', 'x'.repeat(255), '', '\u0000', '0.10'];
    const messages: OutgoingMessage[] = values.map((value, i) => ({
      key: String(i),
      value: Buffer.from(value),
    }));
    messages.push({ key: null, value: Buffer.from('no key') });
    messages.push({ key: '9223372036854775807', value: Buffer.from([0, 255, 128, 10]) });
    async function* rows() {
      yield await Promise.resolve(messages);
    }
    await publishRows(topic, windowOf(1), rows);
    const read = await fixture.readAll();
    for (const { key, value } of messages) {
      const found = read.find((message) => (message.key?.toString() ?? null) === key);
      expect(found?.value).toEqual(value);
      if (key !== null) expect(found?.partition).toBe(topic.partitionOf(key, 3));
    }
    expect(read).toHaveLength(messages.length);
    for (const { timestampMillis } of read)
      expect(Math.abs(timestampMillis - Date.now())).toBeLessThan(60_000);
  });

  test('a large one passes in bounded requests, whatever its rows are like', async () => {
    const topic = fixture.open();
    const requests: number[] = [];
    const result = await topic.publish(windowOf(1, 60_000), () => rowsFrom(1, 60_000), {
      signal: never,
      onProgress: (rows) => requests.push(rows),
      onOversized: refuseOversized,
    });
    expect(result).toMatchObject({ rows: 60_000, already: false });
    expect(requests.length).toBeGreaterThan(5);
    expect(requests.at(-1)).toBe(60_000);

    // One key, so one partition: the broker's limit for a batch binds there.
    const wide = Array.from({ length: 60 }, () => ({ key: '1', value: Buffer.alloc(200_000, 'x') }));
    async function* rows() {
      yield await Promise.resolve(wide);
    }
    await publishRows(topic, windowOf(2, 60_000), rows);
    expect(await fixture.readAll()).toHaveLength(60_060);
  });

  test('that fails or is aborted half-way leaves nothing to readers and holds nobody back', async () => {
    const topic = fixture.open();
    async function* failing() {
      yield* rowsFrom(1, 20_000);
      throw new Error('the database went away');
    }
    await expect(publishRows(topic, windowOf(1), failing)).rejects.toThrow('the database went away');

    const abort = new AbortController();
    async function* hanging() {
      yield* rowsFrom(1, 20_000);
      setTimeout(() => abort.abort(new Error('cancelled')), 50);
      await new Promise(() => undefined);
    }
    const started = Date.now();
    await expect(publishRows(topic, windowOf(1), hanging, abort.signal)).rejects.toThrow('cancelled');
    expect(Date.now() - started).toBeLessThan(5_000); // a request may take 15

    // Both had sent rows, and nobody waits for their transactions to time out.
    const ended = Date.now();
    await fixture.settled();
    expect(Date.now() - ended).toBeLessThan(20_000);
    const { stable } = await topic.offsets();
    expect(Object.values(stable).some((offset) => offset !== '0')).toBe(true);
    expect(await fixture.readAll()).toEqual([]);
    expect(await publishRows(topic, windowOf(1), () => rowsFrom(1, 10))).toMatchObject({
      rows: 10,
      already: false,
    });
    expect(sortedIds(await fixture.readAll())).toEqual(upTo(10));
  });

  test('an older attempt still at work is fenced, and its rows never become visible', async () => {
    const zombie = fixture.open();
    let resume = () => undefined as void;
    const resumed = new Promise<void>((resolve) => (resume = resolve));
    let reached = () => undefined as void;
    const halfWay = new Promise<void>((resolve) => (reached = resolve));
    async function* slow() {
      yield* rowsFrom(1_000_001, 20_000);
      reached();
      await resumed;
      yield* rowsFrom(1_020_001, 20_000);
    }
    const old = publishRows(zombie, windowOf(1), slow);
    old.catch(() => undefined);
    await halfWay;
    expect(await publishRows(fixture.open(), windowOf(1), () => rowsFrom(1, 10))).toMatchObject({
      rows: 10,
      already: false,
    });
    resume();
    await expect(old).rejects.toThrow(/INVALID_PRODUCER_EPOCH|PRODUCER_FENCED/);
    expect(sortedIds(await fixture.readAll())).toEqual(upTo(10));
    // Its next attempt sees what happened.
    expect(await publishRows(zombie, windowOf(1), noRows)).toMatchObject({ rows: 10, already: true });
  });

  test('a kept producer that was fenced meanwhile fails, and its retry finds the conflict', async () => {
    const first = fixture.open();
    await publishRows(first, windowOf(1), () => rowsFrom(1, 10));
    await publishRows(fixture.open(), { ...windowOf(2), upper: windowOf(5).upper }, () => rowsFrom(11, 5));
    await expect(publishRows(first, windowOf(2), () => rowsFrom(101, 10))).rejects.toThrow(
      /INVALID_PRODUCER_EPOCH|PRODUCER_FENCED/,
    );
    await expect(publishRows(first, windowOf(2), noRows)).rejects.toMatchObject({ type: 'CaptureConflict' });
    expect(sortedIds(await fixture.readAll())).toEqual(upTo(15));
  });

  test('a kept producer is not used after any other outcome than the sequence before', async () => {
    const topic = fixture.open();
    await publishRows(topic, windowOf(1), () => rowsFrom(1, 10));
    await expect(publishRows(topic, windowOf(3), noRows)).rejects.toMatchObject({ type: 'CaptureConflict' });
    expect(await publishRows(topic, windowOf(2), () => rowsFrom(11, 10))).toMatchObject({
      rows: 10,
      already: false,
    });
  });

  test('kafkajs reads group offsets of old versions: progress waits for a transaction that is about to change it', async () => {
    const topic = fixture.open();
    await publishRows(topic, windowOf(1), () => rowsFrom(1, 1));
    const other = await fixture.foreignTransaction();
    await other.send({ topic: fixture.name, messages: [{ key: '2', value: 'x' }] });
    const metadata = JSON.stringify({ ...windowOf(2), rows: 1 });
    await other.sendOffsets({
      consumerGroupId: PROGRESS_GROUP,
      topics: [{ topic: fixture.name, partitions: [{ partition: 0, offset: '2', ...{ metadata } }] }],
    });
    const pending = topic.progress();
    await sleep(300);
    await other.commit();
    expect(await pending).toMatchObject({ sequence: 2 });
  });

  test('a progress record of another program is a CaptureConflict, not a guess', async () => {
    await fixture.open({ consumerGroup: PROGRESS_GROUP }).commitGroupOffsets({ '0': '7' });
    await expect(fixture.open().progress()).rejects.toMatchObject({ type: 'CaptureConflict' });
  });
});
