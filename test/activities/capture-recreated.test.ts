/** A capture whose topic was deleted and recreated stops, whether its progress record went with the topic or outlived it. */
import { createAdvanceWatermark } from '../../activities/capture/advance-watermark';
import { createOpenCapture } from '../../activities/capture/open-capture';
import { createWatermarkFile } from '../../adapters/state-file';
import type { OrdersSource, OrdersTopic, Progress } from '../../ports';
import { Connection } from '../../adapters/kafka/transport/connection';
import { encodeProgress, PROGRESS_GROUP } from '../../adapters/kafka/producer/progress-record';
import { PUBLISH_AGAIN } from '../../domain/data-loss';
import { eventually } from '../helpers/pipeline';
import { temporaryDirectory } from '../helpers/lake';
import {
  never,
  refuseOversized,
  rowsFrom,
  sortedIds,
  TopicFixture,
  upTo,
  windowOf,
} from '../adapters/kafka/helpers';

jest.setTimeout(60_000);

let fixture: TopicFixture;
let topic: OrdersTopic;
let topicId: string;
let root: string;
let remove: () => Promise<void>;
beforeEach(async () => {
  fixture = new TopicFixture();
  topic = await fixture.create();
  topicId = (await topic.id())!;
  ({ path: root, remove } = await temporaryDirectory());
});
afterEach(async () => {
  await fixture.close();
  await remove();
});

/** Publishes a window of ten rows, as the workflow that knows of these things asks for it. */
function publish(
  from: OrdersTopic,
  sequence: number,
  known: { topicId?: string; afterReset?: boolean } = { topicId },
) {
  const options = { signal: never, onProgress: () => undefined, onOversized: refuseOversized, ...known };
  return from.publish(windowOf(sequence), () => rowsFrom((sequence - 1) * 10 + 1, 10), options);
}

async function recordIsGone(): Promise<void> {
  await eventually(async () => expect(await fixture.open().progress()).toBeUndefined());
}

/** As a broker that was down when the topic was deleted may leave it. */
async function restoreRecord(sequence: number): Promise<void> {
  await recordIsGone();
  await writeRecord({ ...windowOf(sequence), rows: 10, topicId });
}

async function writeRecord(record: Progress): Promise<void> {
  const offset = { partition: 0, offset: String(record.sequence), metadata: encodeProgress(record) };
  const connection = new Connection(fixture.options());
  try {
    await connection.open();
    await connection.coordinated('group', PROGRESS_GROUP, undefined, (coordinator) =>
      coordinator.offsetCommit({
        groupId: PROGRESS_GROUP,
        groupGenerationId: -1,
        memberId: '',
        topics: [{ topic: fixture.name, partitions: [offset] }],
      }),
    );
  } finally {
    connection.destroy();
  }
}

const conflict = { name: 'NonRetryableError', type: 'CaptureConflict' };

test('the record goes with its topic, and the next window of another process finds none', async () => {
  await publish(topic, 1);
  expect(await topic.progress()).toMatchObject({ sequence: 1, topicId });
  await fixture.recreate();
  await recordIsGone();
  for (const known of [{ topicId }, {}]) {
    const publishing = publish(fixture.open(), 2, known);
    await expect(publishing).rejects.toMatchObject(conflict);
    await expect(publishing).rejects.toThrow(PUBLISH_AGAIN);
  }
  const renewing = fixture.open().renewProgress(1, { signal: never });
  await expect(renewing).rejects.toThrow(PUBLISH_AGAIN);
});

test('between poll and publish, a kept producer, which reads no record, writes nothing into the new topic', async () => {
  await publish(topic, 1);
  await fixture.recreate();
  const publishing = publish(topic, 2);
  await expect(publishing).rejects.toMatchObject(conflict);
  await expect(publishing).rejects.toThrow(`its id was ${topicId} and is ${await topic.id()}`);
  await expect(publishing).rejects.toThrow(PUBLISH_AGAIN);
  expect(await fixture.readAll()).toEqual([]);
});

test('a record that outlived its topic is not believed, neither for this window nor for the next', async () => {
  await publish(topic, 1);
  await publish(topic, 2);
  await fixture.recreate();
  await restoreRecord(2);
  for (const sequence of [2, 3]) {
    const publishing = publish(fixture.open(), sequence);
    await expect(publishing).rejects.toThrow(`its id was ${topicId}`);
  }
  // A new workflow goes on from it, and is stopped by its first window just so.
  const watermarkFile = createWatermarkFile(root);
  const source = { check: () => Promise.resolve({ warnings: [] }) } as unknown as OrdersSource;
  const openCapture = createOpenCapture({
    source,
    topic,
    watermarkFile,
    defaultStart: '2000-01-01T00:00:00.000000Z',
  });
  expect(await openCapture({})).toMatchObject({ sequence: 2, topicId });
  expect(await openCapture({ startFrom: windowOf(1).upper })).toMatchObject({ topicId: await topic.id() });
});

test.each([
  ['is gone', recordIsGone],
  ['outlived its topic', () => restoreRecord(1)],
])('after a reset publishing goes on where the record %s', async (_case, prepare) => {
  await publish(topic, 1);
  await fixture.recreate();
  await prepare();
  const id = await topic.id();
  expect(await publish(fixture.open(), 2, { afterReset: true })).toEqual({
    rows: 10,
    already: false,
    topicId: id,
  });
  // Its retry, and the windows that follow.
  const other = fixture.open();
  expect(await publish(other, 2, { afterReset: true })).toMatchObject({ already: true, topicId: id });
  expect(await publish(other, 3, { topicId: id! })).toMatchObject({ already: false });
  expect(sortedIds(await fixture.readAll())).toEqual(upTo(20).map((n) => n + 10));
});

test('a topic that is deleted after the publish ends the capture, instead of asking for its record indefinitely', async () => {
  await publish(topic, 1);
  const advanceWatermark = createAdvanceWatermark({ topic, watermarkFile: createWatermarkFile(root) });
  await advanceWatermark(windowOf(1));
  await fixture.recreate();
  await recordIsGone();
  await expect(advanceWatermark(windowOf(1))).rejects.toMatchObject(conflict);
});

test('a record of version 0.2.0, without an id, is one of whichever topic is there', async () => {
  await publish(topic, 1);
  await writeRecord({ ...windowOf(1), rows: 10 });
  expect(await topic.progress()).toEqual({ ...windowOf(1), rows: 10 });
  expect(await publish(fixture.open(), 2, {})).toEqual({ rows: 10, already: false, topicId });
});
