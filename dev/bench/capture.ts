import type { CaptureStatus } from '../../domain/status';
import { historyOf, untilStatus, withBench } from './pipeline';
import { watchUsage } from './usage';
import { seed } from './seed';

/** PostgreSQL to Kafka: a table full of orders, from the workflow's start to the last row confirmed. */
export function capture({ rows }: { rows: number }) {
  return withBench({}, async ({ pipeline, client, workers, start }) => {
    await seed(pipeline.pool, rows);
    const watch = watchUsage(workers.pids);
    const begun = performance.now();
    await start('captureOrders');
    const status = await untilStatus<CaptureStatus>(client, 'captureOrders', (now) => now.rows >= rows);
    const seconds = (performance.now() - begun) / 1000;
    const usage = (await watch.stop()).capture;
    return {
      rows: status.rows,
      seconds: round(seconds),
      rowsPerSecond: Math.round(rows / seconds),
      windows: status.sequence,
      ...usage,
      history: await historyOf(client, 'captureOrders'),
    };
  });
}

export function round(value: number, digits = 2): number {
  return Math.round(value * 10 ** digits) / 10 ** digits;
}
