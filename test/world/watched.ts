/** Pipelines that a real Prometheus watches, and how long its alerts take. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Harness } from '../faults/harness';
import { writeFasterRules } from '../helpers/faster-rules';
import { endpointsOf, startPrometheus, type Prometheus } from '../helpers/prometheus';

/**
 * How many times faster the rules' clock runs. `ORDERS_ALERTS_TIMES=1` waits for the rules as they stand, which takes a quarter
 * of an hour, and prints the times for docs/operations.md.
 */
export const TIMES = Number(process.env['ORDERS_ALERTS_TIMES'] ?? 20);

/** The longest wait of the rules is three minutes; the rest is what the condition takes to come about. */
const FIRES_WITHIN_MS = 30_000 + (6 * 60_000) / TIMES;

const watching = new Map<Harness, Promise<Prometheus>>();
const directory = mkdtempSync(join(tmpdir(), 'orders-stream-alerts-'));
const fired = new Map<string, number>();

/** Ends every Prometheus, and prints when each alert fired. */
export async function endWatching(): Promise<void> {
  await Promise.all([...watching.values()].map(async (one) => (await one).stop()));
  rmSync(directory, { recursive: true, force: true });
  const lines = [...fired].map(([alert, seconds]) => `${alert}: ${seconds.toFixed(0)} s`);
  console.log(`from the fault to the firing alert, rules ${TIMES} times faster:\n${lines.join('\n')}`);
}

/** The Prometheus of a pipeline; scrapes the workers it has now. */
export function watch(harness: Harness): Promise<Prometheus> {
  const found = watching.get(harness);
  if (found !== undefined) return found;
  const started = (async () => {
    const own = mkdtempSync(join(directory, 'p-'));
    const rulesFile = join(own, 'alerts.yml');
    writeFasterRules(rulesFile, TIMES);
    const prometheus = await startPrometheus({ directory: own, rulesFile });
    prometheus.scrape(...endpointsOf(harness.workers));
    return prometheus;
  })();
  watching.set(harness, started);
  return started;
}

/** Resolves when these alerts fire, which none does before `cause`; while it waits, `again` is repeated. */
export async function fires(
  harness: Harness,
  alerts: string[],
  cause: () => Promise<unknown>,
  again: () => Promise<unknown> = () => Promise.resolve(),
): Promise<void> {
  const prometheus = await watch(harness);
  const firing = async () =>
    (await prometheus.alerts()).filter(({ state }) => state === 'firing').map(({ name }) => name);
  const early = await firing();
  expect(alerts.filter((alert) => early.includes(alert))).toEqual([]);
  const begun = Date.now();
  await cause();
  // What it takes to bring it about, such as a start of workers, is not Prometheus'.
  const deadline = Date.now() + FIRES_WITHIN_MS;
  const waiting = new Set(alerts);
  while (waiting.size > 0) {
    const seconds = (Date.now() - begun) / 1000;
    for (const alert of await firing()) {
      if (waiting.delete(alert)) fired.set(alert, seconds);
    }
    if (Date.now() > deadline)
      throw new Error(
        `not firing after ${seconds} s: ${[...waiting].join(', ')}; firing: ${(await firing()).join(', ')}`,
      );
    await again();
    await sleep(200);
  }
}
