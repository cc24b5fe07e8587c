import { openStorage, summary } from '../../adapters/lake/reading';
import type { CaptureStatus, LandStatus } from '../../domain/status';
import { round } from './capture';
import { historyOf, untilStatus, withBench } from './pipeline';
import { watchUsage } from './usage';
import { seed } from './seed';

/** Kafka to the lake: a topic full of orders, from the workflow's start to the last batch committed. */
export function land({ rows }: { rows: number }) {
  return withBench({}, async ({ pipeline, client, workers, start }) => {
    await seed(pipeline.pool, rows);
    await start('captureOrders');
    await untilStatus<CaptureStatus>(client, 'captureOrders', (now) => now.rows >= rows);
    await client.workflow.getHandle('orders-capture').terminate('the topic is filled');

    const watch = watchUsage(workers.pids);
    const begun = performance.now();
    await start('landOrders');
    const status = await untilStatus<LandStatus>(client, 'landOrders', (now) => now.rows.read >= rows);
    const seconds = (performance.now() - begun) / 1000;
    const usage = (await watch.stop()).land;
    const lake = await summary(openStorage({ path: pipeline.lakePath }));
    return {
      rows: status.rows.read,
      landed: lake.rows,
      quarantined: lake.quarantined.rows,
      seconds: round(seconds),
      rowsPerSecond: Math.round(rows / seconds),
      batches: status.sequence,
      files: lake.files,
      ...usage,
      history: await historyOf(client, 'landOrders'),
    };
  });
}
