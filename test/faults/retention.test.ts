/**
 * Kafka deletes messages that had not landed: the landing stops and says which, and what its message advises works.
 * Both ways in which Kafka deletes: on request, and because of the topic's retention.
 */
import { ConfigResourceTypes, Kafka, logLevel, type Admin } from 'kafkajs';
import { insertOrders } from '../../dev/orders/insert-orders';
import { checkStructure } from '../../dev/oracle';
import { secondsToCatchUp } from '../../dev/torture/recovery';
import { eventually, servers } from '../helpers/pipeline';
import { expectAllLandedOnce } from '../helpers/exactly-once';
import { asOperator, commandsIn, expectStopsAgain, failureOf } from './as-operator';
import type { Harness } from './harness';
import { sideBySide } from './side-by-side';
import { publishUnlanded } from './unlanded';

type Delete = (admin: Admin, topic: string) => Promise<void>;

/** Partition 1 up to its end; the others keep theirs. */
const onRequest: Delete = async (admin, topic) => {
  const offsets = await admin.fetchTopicOffsets(topic);
  const partitions = offsets.filter(({ partition }) => partition === 1);
  await admin.deleteTopicRecords({
    topic,
    partitions: partitions.map(({ partition, high }) => ({ partition, offset: high })),
  });
};

/** The broker of the tests looks for old segments every second. */
const byRetention: Delete = async (admin, topic) => {
  const retention = (ms: string) =>
    admin.alterConfigs({
      validateOnly: false,
      resources: [
        {
          type: ConfigResourceTypes.TOPIC,
          name: topic,
          configEntries: [{ name: 'retention.ms', value: ms }],
        },
      ],
    });
  await retention('1000');
  await eventually(async () => {
    for (const { low, high } of await admin.fetchTopicOffsets(topic)) expect(low).toBe(high);
  }, 60_000);
  await retention('-1');
};

async function loseAndRecover(harness: Harness, loseSome: Delete): Promise<void> {
  const { pipeline } = harness;
  const { pool, settings } = pipeline;
  const { topic } = settings.kafka;
  const { landing, nextOffsets } = await publishUnlanded(harness);

  const admin = new Kafka({
    brokers: servers().KAFKA_BROKERS.split(','),
    logLevel: logLevel.NOTHING,
  }).admin();
  await admin.connect();
  await loseSome(admin, topic);
  const left = await admin.fetchTopicOffsets(topic);
  await admin.disconnect();

  await landing.signal('resume');
  const message = await failureOf(landing.result(), 'DataLoss');
  for (const { partition, low } of left) {
    const next = nextOffsets[partition] ?? '0';
    if (BigInt(low) > BigInt(next))
      expect(message).toContain(`partition ${partition} offsets ${next} to ${BigInt(low) - 1n}`);
  }
  await expectStopsAgain(harness, message);

  await insertOrders(pool, 50);
  const [startAfterGap, publishAgain] = commandsIn(message);
  await asOperator(harness, startAfterGap);
  await asOperator(harness, publishAgain);
  await secondsToCatchUp(pipeline);
  await eventually(async () => expect(await checkStructure(pipeline, { repeats: true })).toEqual([]), 10_000);
  expect(await expectAllLandedOnce(pipeline)).toBe(650);
}

sideBySide([
  { 'records deleted before they landed': (harness) => loseAndRecover(harness, onRequest) },
  { 'retention shorter than the landing was paused': (harness) => loseAndRecover(harness, byRetention) },
]);
