/** The lake's disk is full, or read-only, while batches land: an outage like any other, seen and got over. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { WORKFLOWS } from '../../domain/names';
import { startLoad } from '../../dev/torture/load';
import { insertOrders } from '../../dev/orders/insert-orders';
import { seeded } from '../../dev/torture/random';
import { secondsToCatchUp } from '../../dev/torture/recovery';
import { LARGE_BATCH, NOT_HERE, openDisk, type Disk, type Trouble } from '../helpers/disk';
import { eventually } from '../helpers/pipeline';
import { ordersCli } from '../helpers/processes';
import { expectExactlyOnce } from '../helpers/exactly-once';
import { pidOf, startHarness, type Harness } from './harness';

jest.setTimeout(120_000);

let disk: Disk;
let harness: Harness;
beforeAll(async () => {
  disk = await openDisk();
  harness = await startHarness({ datalake: { path: join(disk.path, 'lake') } });
});
afterAll(async () => {
  await harness?.dispose();
  disk?.dispose();
});

test.each<Trouble>(['full', 'read-only'])('a disk that is %s', async (trouble) => {
  const error = disk.gives[trouble];
  if (error === undefined) return console.warn(`SKIPPED, a disk that is ${trouble}: ${NOT_HERE[trouble]}`);
  const { pipeline, client, workers } = harness;
  await insertOrders(pipeline.pool, 100);
  await secondsToCatchUp(pipeline);
  const load = startLoad({ pool: pipeline.pool, random: seeded(1), rowsPerSecond: 100, clients: 4 });
  const writer = pidOf(workers, 'land');
  let seconds: number;
  await disk.set(trouble, true, writer);
  try {
    await insertOrders(pipeline.pool, LARGE_BATCH);
    await eventually(async () => {
      const { stdout } = await ordersCli(pipeline, 'status');
      expect(stdout).toMatch(new RegExp(`^retrying (land|commit)MicroBatch, attempt \\d+: .*${error}`, 'm'));
    });
    await sleep(3_000);
    const { status } = await client.workflow.getHandle(WORKFLOWS.landOrders.id).describe();
    expect(status.name).toBe('RUNNING');
  } finally {
    await disk.set(trouble, false, writer);
    seconds = await secondsToCatchUp(pipeline);
    await load.stop();
  }
  console.log(`${error}: caught up in ${seconds} s`);
  expect(seconds).toBeLessThan(20);
  await expectExactlyOnce(pipeline);
});
