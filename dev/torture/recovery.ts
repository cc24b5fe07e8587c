import { setTimeout as sleep } from 'node:timers/promises';
import { effective, readLedger } from '../oracle';
import { ORDERS_TABLE, type FreshPipeline } from '../stack/fresh-pipeline';

/** Orders that the ledger counts in the lake or in quarantine. */
function landedOrders(lakePath: string): number {
  return effective(readLedger(lakePath)).reduce(
    (sum, { entry }) => sum + entry.counts.landed + entry.counts.quarantined,
    0,
  );
}

/** Waits until what the source holds now has landed; returns the seconds that took. Rejects when the signal is aborted. */
export async function secondsToCatchUp(
  { pool, lakePath }: FreshPipeline,
  timeoutMs = 60_000,
  signal?: AbortSignal,
): Promise<number> {
  const begun = performance.now();
  const deadline = begun + timeoutMs;
  const { rows } = await pool.query<{ rows: number }>(`SELECT count(*)::int AS rows FROM ${ORDERS_TABLE}`);
  for (;;) {
    const landed = landedOrders(lakePath);
    if (landed >= rows[0]!.rows) return Math.round((performance.now() - begun) / 100) / 10;
    if (performance.now() > deadline)
      throw new Error(`${landed} of ${rows[0]!.rows} orders landed in ${timeoutMs} ms`);
    await sleep(100, undefined, { signal });
  }
}
