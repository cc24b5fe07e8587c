import { join } from 'node:path';
import { createCommitMicroBatch } from '../../activities/landing/commit-micro-batch';
import type { BatchManifest, OrdersTopic } from '../../ports';
import { createOrdersLake } from '../../adapters/lake/writing';
import { batch, openLake, temporaryDirectory } from '../helpers/lake';
import { SILENT } from '../helpers/telemetry';

test('a batch that took several attempts can be committed: its result says so in a field of its own', async () => {
  const directory = await temporaryDirectory();
  try {
    const lake = createOrdersLake({ path: join(directory.path, 'lake'), compression: 'snappy' }, SILENT);
    await openLake(lake);
    const topic = { commitGroupOffsets: () => Promise.resolve() } as unknown as OrdersTopic;
    const counts = { read: 0, landed: 0, duplicate: 0, quarantined: 0, failures: {} };
    const manifest: BatchManifest = { files: [], quarantineFiles: [], counts, highWater: {} };
    const recovered = { attempts: 2, error: 'the worker was lost' };
    await createCommitMicroBatch({ topic, lake })({
      ...batch(1),
      manifest: { ...manifest, recovered } as BatchManifest,
      next: { '0': '10' },
      reached: { '0': '10' },
      resets: [],
    });
    expect(await lake.lastEntry()).toMatchObject({ sequence: 1, next: { '0': '10' }, counts });
  } finally {
    await directory.remove();
  }
});
