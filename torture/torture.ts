import { setTimeout as sleep } from 'node:timers/promises';
import { boundOf, compare } from '../demo/check';
import { restartLanding, startRig, type Rig } from '../test/faults/rig';
import { chooseFault } from './faults';
import { startLoad } from './load';
import { ownStack, type OwnStack } from './own-stack';
import { proveStructure } from './proof';
import { seeded } from './random';
import { secondsToCatchUp } from './recovery';

export interface TortureOptions {
  minutes: number;
  seed: number;
  rate: number;
  /** Ends the run early; what was started is taken away all the same. */
  signal: AbortSignal;
  report: (line: string) => void;
}

export interface Figures {
  seed: number;
  minutes: number;
  verdict: 'clean' | string[];
  orders: number;
  transactions: Readonly<Record<string, number>>;
  faults: Record<string, number>;
  /** From the moment that all servers answer, or that the fault is over, until landing has caught up. */
  secondsToRecover: Record<string, { p50: number; max: number }>;
}

/** A fault that is not recovered from within this time is one that an operator would be called for. */
const RECOVERY_TIMEOUT_MS = 180_000;

export async function torture(options: TortureOptions): Promise<Figures> {
  const stack = await ownStack(options.report);
  try {
    const rig = await startRig({}, stack.addresses);
    try {
      return await run(options, stack, rig);
    } finally {
      await rig.dispose();
    }
  } finally {
    await stack.destroy();
  }
}

async function run(options: TortureOptions, stack: OwnStack, rig: Rig): Promise<Figures> {
  const { minutes, seed, rate, signal, report } = options;
  const { pipeline } = rig;
  // Two sequences, so that the faults of a seed do not depend on how fast clients are.
  const random = seeded(seed);
  const load = startLoad({ pool: pipeline.pool, random: seeded(seed + 1), rowsPerSecond: rate });
  const recoveries: Record<string, number[]> = {};
  try {
    const end = Date.now() + minutes * 60_000;
    while (Date.now() < end) {
      await sleep(random.between(500, 8_000), undefined, { signal });
      const fault = chooseFault(rig, stack, random);
      report(`${fault.kind}: ${fault.what}`);
      await fault.run();
      // Half of the faults strike while the last one is still being recovered from.
      const seconds = random.next() < 0.5 ? undefined : await secondsToCatchUp(pipeline, RECOVERY_TIMEOUT_MS);
      if (seconds !== undefined) report(`caught up in ${seconds} s`);
      (recoveries[fault.kind] ??= []).push(seconds ?? Number.NaN);
    }
  } finally {
    await load.stop();
  }
  await secondsToCatchUp(pipeline, RECOVERY_TIMEOUT_MS);
  await restartLanding(rig); // sweeps what killed attempts left
  return {
    seed,
    minutes,
    ...(await verdict(rig)),
    transactions: load.counts,
    faults: Object.fromEntries(Object.entries(recoveries).map(([kind, all]) => [kind, all.length])),
    secondsToRecover: Object.fromEntries(
      Object.entries(recoveries).flatMap(([kind, all]) => {
        const measured = all.filter((seconds) => !Number.isNaN(seconds)).sort((a, b) => a - b);
        if (measured.length === 0) return [];
        return [[kind, { p50: measured[Math.floor(measured.length / 2)]!, max: measured.at(-1)! }]];
      }),
    ),
  };
}

/** Values are compared by DuckDB; the structure is given some seconds until the last empty offsets have landed. */
async function verdict({ pipeline }: Rig): Promise<Pick<Figures, 'verdict' | 'orders'>> {
  const { pool, settings } = pipeline;
  const deadline = Date.now() + 30_000;
  let wrong = await proveStructure(pipeline);
  while (wrong.length > 0 && Date.now() < deadline) {
    await sleep(500);
    wrong = await proveStructure(pipeline);
  }
  const { source, differences } = await compare(pool, settings, await boundOf(pool, settings.postgres));
  const all = [
    ...wrong,
    ...differences.map(
      ({ kind, orders, examples }) => `lake: ${orders} ${kind}, e.g. ${examples.join(', ')}`,
    ),
  ];
  return { verdict: all.length === 0 ? 'clean' : all, orders: source.rows };
}
