/** New workflows, as after Temporal lost its storage: they go on from what Kafka and the ledger remember. */
import { join } from 'node:path';
import { createOpenCapture } from '../../activities/capture/open-capture';
import { createWatermarkFile } from '../../adapters/state-file';
import type { OrdersSource } from '../../ports';
import { createOpenLanding } from '../../activities/landing/open-landing';
import { createOrdersLake } from '../../adapters/lake/writing';
import { LOWEST_PLACE, MOST_GAPS } from '../../domain/gaps';
import type { LateRows } from '../../domain/missed';
import { LOWEST_ORDER_ID } from '../../domain/watermark';
import { inActivity } from '../helpers/activity';
import { accepted, batch, entryFor, temporaryDirectory, write } from '../helpers/lake';
import {
  TopicFixture,
  never,
  publishRows,
  refuseOversized,
  rowsFrom,
  windowOf,
} from '../adapters/kafka/helpers';
import { SILENT } from '../helpers/telemetry';

let fixture: TopicFixture;
let root: string;
let remove: () => Promise<void>;

beforeEach(async () => {
  fixture = new TopicFixture();
  await fixture.create();
  ({ path: root, remove } = await temporaryDirectory());
});
afterEach(async () => {
  await fixture.close();
  await remove();
});

test('a landing goes on after the ledger’s last entry, with all it needs to know repeats and failed batches', async () => {
  const topic = fixture.open();
  await publishRows(topic, windowOf(1), () => rowsFrom(1, 100));
  await fixture.settled();
  const lake = createOrdersLake({ path: join(root, 'lake'), compression: 'snappy' }, SILENT);
  const openLanding = createOpenLanding({ topic, lake });
  const begin = { '0': '0', '1': '0', '2': '0' };
  expect(await inActivity(openLanding)).toMatchObject({ epoch: 1, sequence: 0, next: begin });
  // What Kafka loses before the first batch is a loss too, which claiming then tells.
  await fixture.deleteRecords(1, '10');
  expect(await inActivity(openLanding)).toMatchObject({ epoch: 2, sequence: 0, next: begin });

  const known = {
    next: { '0': '10', '1': '4', '2': '0' },
    reached: { '0': '10', '1': '9', '2': '0' },
    highWater: { '0': { createdAt: '2025-11-18T10:00:00.123456Z', orderId: '1' } },
    unlanded: [1],
  };
  const rows = { accepted: [accepted(1)], quarantined: [] };
  const mine = { ...batch(1), epoch: 2 };
  await lake.commit({ ...entryFor(mine, await write(lake, mine, rows)), ...known });
  const opened = await inActivity(openLanding);
  expect(opened).toMatchObject({ epoch: 3, sequence: 1, startedFrom: 'ledger', ...known });
  expect(await lake.confirm({ lake: opened.lake!, sequence: 1 })).toEqual(opened.lake);
});

test('a capture goes on after the progress record; the state file counts where there is none, input always', async () => {
  const topic = fixture.open();
  const watermarkFile = createWatermarkFile(root);
  const openCapture = createOpenCapture({
    source: { check: () => Promise.resolve({ warnings: [] }) } as unknown as OrdersSource,
    topic,
    watermarkFile,
    defaultStart: '1970-01-01 00:00:00',
  });
  // The default means the lowest row there can be.
  expect(await openCapture({})).toMatchObject({
    sequence: 0,
    startedFrom: 'default_start_timestamp',
    watermark: LOWEST_PLACE,
    late: { gaps: [] },
  });
  const older = { createdAt: '2001-01-01T00:00:00.000000Z', orderId: '5' };
  await watermarkFile.write(older);
  expect(await openCapture({})).toMatchObject({ sequence: 0, watermark: older, startedFrom: 'state file' });

  await publishRows(topic, windowOf(1), () => rowsFrom(1, 3));
  const { upper } = windowOf(1);
  expect(await openCapture({})).toMatchObject({
    sequence: 1,
    watermark: upper,
    startedFrom: 'progress record',
  });
  // The sequence follows the record all the same: it is what fences.
  expect(await openCapture({ startFrom: older })).toMatchObject({ sequence: 1, watermark: older });
});

test('a capture that was reset opens again only where the record is its own, and beyond it', async () => {
  const topic = fixture.open();
  const openCapture = createOpenCapture({
    source: { check: () => Promise.resolve({ warnings: [] }) } as unknown as OrdersSource,
    topic,
    watermarkFile: createWatermarkFile(root),
    defaultStart: '1970-01-01 00:00:00',
  });
  const behind = { sequence: 0, firstRunId: 'mine' };
  const conflict = { type: 'CaptureConflict' };
  await expect(openCapture({ behind })).rejects.toMatchObject(conflict);
  await publishRows(topic, windowOf(1), () => rowsFrom(1, 3));
  await expect(openCapture({ behind })).rejects.toMatchObject(conflict);
  await topic.publish(windowOf(2), () => rowsFrom(4, 3), {
    signal: never,
    onProgress: () => undefined,
    onOversized: refuseOversized,
    firstRunId: 'mine',
  });
  // Renewed, it stays its own.
  await fixture.open().renewProgress(2, { signal: never });
  const { upper: watermark } = windowOf(2);
  expect(await openCapture({ behind })).toMatchObject({ sequence: 2, watermark });
  await expect(openCapture({ behind: { ...behind, sequence: 2 } })).rejects.toMatchObject(conflict);
  await expect(openCapture({ behind: { ...behind, firstRunId: 'of another' } })).rejects.toMatchObject(
    conflict,
  );
});

test('what is known of rows that were not captured goes on with the record, however full it is', async () => {
  const topic = fixture.open();
  const openCapture = createOpenCapture({
    source: { check: () => Promise.resolve({ warnings: [] }) } as unknown as OrdersSource,
    topic,
    watermarkFile: createWatermarkFile(root),
    defaultStart: '2001-01-01 00:00:00',
  });
  expect(await openCapture({})).toMatchObject({
    late: { gaps: [{ because: 'start', upTo: { createdAt: '2001-01-01T00:00:00.000000Z' } }] },
  });
  const place = { createdAt: '2020-01-01T00:00:00.123456Z', orderId: LOWEST_ORDER_ID };
  const missed = {
    backdated: 1_000_000,
    examples: Array<string>(5).fill(LOWEST_ORDER_ID),
    from: place.createdAt,
  };
  const baseline = {
    orderId: LOWEST_ORDER_ID,
    watermark: place,
    published: 1_000_000,
    takenAt: place.createdAt,
    nameless: 1_000_000,
  };
  const gap = { after: place, upTo: place, because: 'reset' as const, detail: `reset at ${place.createdAt}` };
  const late: LateRows = {
    watch: { baselines: [baseline, baseline], lookedAt: place.createdAt, found: missed },
    missed,
    missedSince: place.createdAt,
    gaps: Array<typeof gap>(MOST_GAPS).fill(gap),
    uncounted: { from: place.createdAt, to: place.createdAt, why: 'x'.repeat(400) },
  };
  const options = { signal: never, onProgress: () => undefined, onOversized: refuseOversized, late };
  await topic.publish(windowOf(1), () => rowsFrom(1, 3), options);
  await fixture.open().renewProgress(1, { signal: never });
  const opened = await openCapture({});
  expect(opened.late).toEqual({
    ...late,
    watch: { ...late.watch, baselines: Array(2).fill({ ...baseline, published: 1_000_003 }) },
  });
  // A place of the operator's own is a reset of what the record knows.
  const startFrom = { createdAt: '2019-06-01T00:00:00.000000Z', orderId: '0' };
  const { late: moved } = await openCapture({ startFrom });
  expect(moved).toMatchObject({ missed: { backdated: 0 }, gaps: [] });
  expect(moved!.watch).toMatchObject({ found: { backdated: 0 }, baselines: [{ watermark: startFrom }, {}] });
});
