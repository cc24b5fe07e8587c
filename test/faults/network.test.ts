/**
 * The network between the workers and one server fails under load: connections are cut, stay open with nobody at the
 * other end, or become slow. Each must be noticed and got over without anybody's help.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { serverNames, type ServerName } from '../../dev/stack';
import { titles } from '../../dev/stack/types';
import { startLoad } from '../../dev/torture/load';
import { NETWORK_FAULTS, type NetworkFault } from '../../dev/torture/network';
import { seeded } from '../../dev/torture/random';
import { secondsToCatchUp } from '../../dev/torture/recovery';
import { expectExactlyOnce } from '../helpers/exactly-once';
import type { Harness } from './harness';
import { sideBySide, type Lane } from './side-by-side';

const ROWS_PER_SECOND = 150;
const FAULT_MS = 4_000;
/**
 * A half-open connection is noticed after 15 s of silence in Kafka, after 10 to 15 s in PostgreSQL; Temporal's SDK pings
 * every 30 s and waits 15 s for an answer. On top of that the next retry, and a busy machine.
 */
const CAUGHT_UP_WITHIN_S = {
  cut: { postgres: 20, kafka: 20, temporal: 20 },
  slow: { postgres: 20, kafka: 20, temporal: 20 },
  'half-open': { postgres: 30, kafka: 30, temporal: 90 },
} satisfies Partial<Record<NetworkFault, Record<ServerName, number>>>;

async function underLoad(
  { pipeline, proxies }: Harness,
  server: ServerName,
  fault: keyof typeof CAUGHT_UP_WITHIN_S,
): Promise<void> {
  const load = startLoad({
    pool: pipeline.pool,
    random: seeded(Date.now() % 1e6),
    rowsPerSecond: ROWS_PER_SECOND,
    clients: 4,
  });
  let seconds: number;
  try {
    await sleep(1_000);
    await NETWORK_FAULTS[fault](proxies[server], FAULT_MS);
    seconds = await secondsToCatchUp(pipeline, 100_000);
  } finally {
    await load.stop();
  }
  console.log(`${server}, ${fault} for ${FAULT_MS / 1_000} s: caught up in ${seconds} s`);
  expect(seconds).toBeLessThan(CAUGHT_UP_WITHIN_S[fault][server]);
  expect(await expectExactlyOnce(pipeline)).toBeGreaterThan(ROWS_PER_SECOND * 2);
}

const lane = (server: ServerName): Lane =>
  Object.fromEntries(
    (['cut', 'slow', 'half-open'] as const).map((fault) => [
      `the network to ${titles[server]}: ${fault}`,
      (harness: Harness) => underLoad(harness, server, fault),
    ]),
  );

sideBySide(serverNames.map(lane));
