/**
 * Worker processes are killed at chosen points of a batch: what Kafka has been sent, what it has answered, and which
 * files are there decides when. The replaced pipeline's failure scenarios of its processes are here by name.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { QUEUES, type Queue } from '../../domain/names';
import { identify } from '../../dev/stack/system/process-identity';
import { insertOrders } from '../../dev/orders/insert-orders';
import { KAFKA } from '../helpers/kafka-frames';
import { ORDERS_TABLE, eventually } from '../helpers/pipeline';
import type { Point } from '../helpers/proxy';
import { secondsToCatchUp } from '../../dev/torture/recovery';
import { expectExactlyOnce } from '../helpers/exactly-once';
import { freezeAmidFiles, partFiles, publishOneMore } from './amid-files';
import { pidOf, restartLanding, signal, type Harness } from './harness';
import { sideBySide, type Lane } from './side-by-side';

/** Inserts orders and kills the process that reaches the point with them; returns once it has. */
async function killAt({ pipeline, proxies, workers }: Harness, queue: Queue, point: Point): Promise<void> {
  const reached = proxies.kafka.at(point, () => signal(workers, queue, 'SIGKILL'));
  await insertOrders(pipeline.pool, 200);
  await reached;
}

const producer: Lane = {
  'producer crash before publish': async (harness) => {
    await killAt(harness, 'capture', { apiKey: KAFKA.produce, when: 'before' });
    await expectExactlyOnce(harness.pipeline);
  },

  'producer crash right after it registered, and after its transaction took in partitions': async (
    harness,
  ) => {
    await killAt(harness, 'capture', { apiKey: KAFKA.addPartitionsToTxn, when: 'after' });
    // Only a new process registers, so the next one dies of it.
    await harness.proxies.kafka.at({ apiKey: KAFKA.initProducerId, when: 'after' }, () =>
      signal(harness.workers, 'capture', 'SIGKILL'),
    );
    await expectExactlyOnce(harness.pipeline);
  },

  'producer crash inside the commit of its transaction': async (harness) => {
    await killAt(harness, 'capture', { apiKey: KAFKA.txnOffsetCommit, when: 'after' });
    await killAt(harness, 'capture', { apiKey: KAFKA.endTxn, when: 'before' });
    await expectExactlyOnce(harness.pipeline);
  },

  'producer crash after publish and before the watermark is advanced': async (harness) => {
    await killAt(harness, 'capture', { apiKey: KAFKA.endTxn, when: 'after' });
    // The retry registers anew, finds the record, and dies once more before it could say so.
    await harness.proxies.kafka.at({ apiKey: KAFKA.offsetFetch, when: 'after' }, () =>
      signal(harness.workers, 'capture', 'SIGKILL'),
    );
    await expectExactlyOnce(harness.pipeline);
    await eventually(async () => expect(mirrored(harness)).toBe(await newestPlace(harness)));
  },
};

const consumer: Lane = {
  'consumer crash when some of a batch’s files are there': async (harness) => {
    const there = await freezeAmidFiles(harness, 2001);
    signal(harness.workers, 'land', 'SIGKILL');
    await secondsToCatchUp(harness.pipeline);
    // What the dead attempt had written was found equal and kept.
    expect(partFiles(harness.pipeline.lakePath)).toEqual(expect.arrayContaining(there));
    await restartLanding(harness); // removes temporary files
    await expectExactlyOnce(harness.pipeline);
  },

  'consumer crash when some of a batch’s files are there, and its workflow is lost too': async (harness) => {
    const there = await freezeAmidFiles(harness, 2010);
    signal(harness.workers, 'land', 'SIGKILL');
    await publishOneMore(harness, '2020-01-01');
    await restartLanding(harness);
    await expectExactlyOnce(harness.pipeline);
    expect(partFiles(harness.pipeline.lakePath).filter((path) => there.includes(path))).toEqual([]);
  },

  'consumer crash mid-batch, and between ledger and group offsets': async (harness) => {
    // Answers without records have some 100 bytes; this one holds rows.
    await killAt(harness, 'land', { apiKey: KAFKA.fetch, when: 'after', minBytes: 2_000 });
    await killAt(harness, 'land', { apiKey: KAFKA.offsetCommit, when: 'before' });
    await expectExactlyOnce(harness.pipeline);
  },
};

const group: Lane = {
  'the process that minds the workers is killed alone: they end by themselves, and a new group takes over':
    async (harness) => {
      const { pipeline, workers } = harness;
      await insertOrders(pipeline.pool, 200);
      const pids = QUEUES.map((queue) => pidOf(workers, queue));
      await workers.killMain();
      await eventually(() => expect(pids.filter(identify)).toEqual([]));
      await insertOrders(pipeline.pool, 200);
      await harness.moreWorkers();
      await expectExactlyOnce(pipeline);
    },
};

sideBySide([producer, consumer, group]);

/** The line of the replaced pipeline's state file. */
function mirrored({ pipeline }: Harness): string {
  const directory = pipeline.settings.streaming.last_processed_timestamp_location;
  return readFileSync(join(directory, 'last_processed_timestamp.txt'), 'utf8').trim();
}

async function newestPlace({ pipeline }: Harness): Promise<string> {
  const { rows } = await pipeline.pool.query<{ place: string }>(
    `SELECT to_char(created_at, 'YYYY-MM-DD HH24:MI:SS.US') || '|' || order_id AS place
       FROM ${ORDERS_TABLE} ORDER BY created_at DESC, order_id DESC LIMIT 1`,
  );
  return rows[0]!.place;
}
