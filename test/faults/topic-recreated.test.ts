/**
 * The topic is deleted, recreated and filled past the old offsets while nobody looks: both workflows stop, and what their
 * messages advise brings every order into the lake, those of the old topic and those at low offsets of the new one.
 */
import { Kafka, logLevel, Partitioners } from 'kafkajs';
import { createOrdersTopic, topicOptions } from '../../adapters/kafka';
import { createOrdersSource } from '../../adapters/postgres';
import { WORKFLOWS } from '../../domain/names';
import type { Offsets } from '../../domain/ranges';
import type { Watermark } from '../../domain/watermark';
import { auditLake } from '../../reconcile/audit';
import { createVerify } from '../../reconcile/open';
import { insertOrders } from '../../dev/orders/insert-orders';
import { checkStructure } from '../../dev/oracle';
import { secondsToCatchUp } from '../../dev/torture/recovery';
import { deleteTopic } from '../adapters/kafka/helpers';
import { eventually, servers, type FreshPipeline } from '../helpers/pipeline';
import { expectAllLandedOnce } from '../helpers/exactly-once';
import { asOperator, commandsIn, expectStopsAgain, failureOf } from './as-operator';
import type { Harness } from './harness';
import { sideBySide } from './side-by-side';
import { pause, publishUnlanded } from './unlanded';
import { SILENT } from '../helpers/telemetry';
import { storageAt } from '../helpers/lake';

/** How capture and landing come to not look; returns how they go on. */
type LookAway = (harness: Harness) => Promise<() => Promise<unknown>>;

const paused: LookAway = async ({ client }) => {
  const capture = client.workflow.getHandle(WORKFLOWS.captureOrders.id);
  await pause(capture);
  return () => capture.signal('resume');
};

const workersStopped: LookAway = async (harness) => {
  await harness.workers.kill();
  return () => harness.moreWorkers();
};

async function loseTopic(harness: Harness, lookAway: LookAway): Promise<void> {
  const { pipeline } = harness;
  const { landing, capture, nextOffsets, watermark } = await publishUnlanded(harness);
  const goOn = await lookAway(harness);

  // Those are lost with the topic, and these stand below the old offsets of the new one.
  await insertOrders(pipeline.pool, 100);
  await recreate(pipeline, watermark, nextOffsets);
  await goOn();
  await landing.signal('resume');
  const message = await failureOf(landing.result(), 'DataLoss');
  expect(message).toContain('the topic was deleted and recreated');
  const [startLanding, publishAgain] = commandsIn(message);
  const stopped = await failureOf(capture.result(), 'CaptureConflict');
  expect(commandsIn(stopped)).toEqual([publishAgain]);
  await expectStopsAgain(harness, message);

  await asOperator(harness, startLanding);
  await asOperator(harness, publishAgain);
  await secondsToCatchUp(pipeline);
  await insertOrders(pipeline.pool, 50);
  await secondsToCatchUp(pipeline);
  await eventually(async () => expect(await checkStructure(pipeline, { repeats: true })).toEqual([]), 20_000);
  expect(await expectAllLandedOnce(pipeline)).toBe(750);
  expect((await auditLake(storageAt(pipeline.lakePath))).problems).toEqual([]);
  expect(await createVerify(pipeline.settings, SILENT)()).toMatchObject({ equal: true });
}

/** Another program sends the orders after a place, so often that all of the old offsets are taken. */
async function recreate({ settings }: FreshPipeline, lower: Watermark, past: Offsets): Promise<void> {
  const { topic: name } = settings.kafka;
  const kafka = new Kafka({ brokers: servers().KAFKA_BROKERS.split(','), logLevel: logLevel.NOTHING });
  const [admin, producer] = [
    kafka.admin(),
    kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner }),
  ];
  const topic = createOrdersTopic({
    ...topicOptions(settings.kafka, SILENT),
    brokers: servers().KAFKA_BROKERS.split(','),
  });
  const source = createOrdersSource(settings, SILENT);
  try {
    await Promise.all([admin.connect(), producer.connect()]);
    await deleteTopic(admin, name);
    await topic.ensure();
    const messages: { key: string | null; value: Buffer }[] = [];
    const upper = { createdAt: '9999-01-01T00:00:00.000000Z', orderId: '0' };
    const { signal } = new AbortController();
    for await (const rows of source.read({ lower, upper }, { signal })) messages.push(...rows);
    expect(messages).toHaveLength(100);
    for (;;) {
      await producer.send({ topic: name, messages });
      const { stable } = await topic.offsets();
      if (Object.entries(past).every(([p, offset]) => BigInt(stable[p]!) > BigInt(offset) + 100n)) return;
    }
  } finally {
    await Promise.all([admin.disconnect(), producer.disconnect(), topic.close(), source.close()]);
  }
}

sideBySide([
  { 'while both are paused': (harness) => loseTopic(harness, paused) },
  { 'while no worker runs': (harness) => loseTopic(harness, workersStopped) },
]);
