import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from 'pg';
import { openStorage, queryLake } from '../../adapters/lake/reading';
import { ORDERS_TABLE } from '../stack/fresh-pipeline';
import { round } from './capture';
import { historyOf, withBench } from './pipeline';
import { watchUsage } from './usage';

/** How often a reader looks for new files. */
const LOOK_MS = 25;
const ROWS_PER_INSERT = 10;
const WARM_UP_ROWS = 200;

/**
 * From the inserting client's clock after COMMIT to the moment at which a plain reader, looking every 25 ms, finds
 * the file that holds the row. `rows` at 200 rows/s, ten a commit, after a warm-up.
 */
export function freshness({ rows }: { rows: number }) {
  return withBench({}, async ({ pipeline, client, workers, start }) => {
    await Promise.all([start('captureOrders'), start('landOrders')]);
    const looker = watchFiles(pipeline.lakePath);
    await insertSteadily(pipeline.pool, WARM_UP_ROWS);
    await looker.untilRows(WARM_UP_ROWS);

    const watch = watchUsage(workers.pids);
    const begun = performance.now();
    const committed = await insertSteadily(pipeline.pool, rows);
    const seconds = (performance.now() - begun) / 1000;
    const usage = await watch.stop();
    await looker.untilRows(WARM_UP_ROWS + rows);
    looker.stop();

    const seen = await looker.rowsSeen();
    const delays = [...committed].map(([id, at]) => (seen.get(id) ?? Number.NaN) - at).sort((a, b) => a - b);
    const quantile = (q: number) =>
      round((delays[Math.min(delays.length - 1, Math.floor(q * delays.length))] ?? 0) / 1000, 3);
    return {
      rows,
      rowsPerSecond: Math.round(rows / seconds),
      p50Seconds: quantile(0.5),
      p95Seconds: quantile(0.95),
      p99Seconds: quantile(0.99),
      maxSeconds: quantile(1),
      files: looker.files(),
      workers: usage,
      history: {
        capture: await historyOf(client, 'captureOrders'),
        land: await historyOf(client, 'landOrders'),
      },
    };
  });
}

/** Returns, by order_id, when its COMMIT had returned. */
async function insertSteadily(pool: Pool, rows: number): Promise<Map<number, number>> {
  const committed = new Map<number, number>();
  const begun = performance.now();
  for (let sent = 0; sent < rows; sent += ROWS_PER_INSERT) {
    const due = begun + (sent / 200) * 1000;
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())));
    const inserted = await pool.query<{ order_id: number }>(
      `INSERT INTO ${ORDERS_TABLE} (customer_name, restaurant_name, item, amount, order_status)
       SELECT 'Alice', 'Spice Garden', 'Butter Chicken', 350.00, 'PLACED' FROM generate_series(1, ${ROWS_PER_INSERT})
       RETURNING order_id`,
    );
    const at = Date.now();
    for (const { order_id } of inserted.rows) committed.set(order_id, at);
  }
  return committed;
}

/** A reader of the lake that notes when it first saw each file, and reads what is in them only at the end. */
function watchFiles(lakePath: string) {
  const seenAt = new Map<string, number>();
  const timer = setInterval(() => {
    for (const path of partFiles(lakePath)) if (!seenAt.has(path)) seenAt.set(path, Date.now());
  }, LOOK_MS);
  return {
    files: () => seenAt.size,
    stop: () => clearInterval(timer),
    async untilRows(rows: number) {
      for (;;) {
        const counted =
          seenAt.size === 0
            ? 0
            : Number(
                (await queryLake(openStorage({ path: lakePath }), 'SELECT count(*) FROM files'))[0]?.[0],
              );
        if (counted >= rows) return;
        await sleep(500);
      }
    },
    async rowsSeen() {
      const rows = await queryLake(
        openStorage({ path: lakePath }),
        'SELECT order_id::INTEGER, filename FROM files',
      );
      return new Map(rows.map(([id, path]) => [Number(id), seenAt.get(String(path)) ?? Number.NaN]));
    },
  };
}

function partFiles(lakePath: string): string[] {
  try {
    return readdirSync(lakePath)
      .filter((name) => name.startsWith('date='))
      .flatMap((date) => readdirSync(join(lakePath, date)).map((name) => join(lakePath, date, name)))
      .filter((path) => path.endsWith('.parquet'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []; // not written to yet
    throw error;
  }
}
