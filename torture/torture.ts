import { setTimeout as sleep } from 'node:timers/promises';
import { untilAborted } from '../adapters/kafka/abort';
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
  /** Processes that served a queue, the first two included. */
  workersStarted: number;
  faults: FaultFigures[];
}

interface FaultFigures {
  kind: string;
  times: number;
  /**
   * From the moment that all servers answer, or that the fault is over, until landing has caught up; of those faults
   * that were waited for.
   */
  secondsToRecover: { measured: number; p50: number; max: number } | null;
}

/** A fault that is not recovered from within this time is one that an operator would be called for. */
const RECOVERY_TIMEOUT_MS = 180_000;

export async function torture(options: TortureOptions): Promise<Figures> {
  const stack = await ownStack({ onProgress: options.report });
  try {
    options.signal.throwIfAborted();
    const rig = await startRig({}, stack.addresses);
    try {
      return await run(options, stack, rig);
    } finally {
      // Its database may be away with the server that holds it; the whole stack goes next.
      await rig.dispose().catch(() => undefined);
    }
  } finally {
    await stack.destroy();
  }
}

async function run(options: TortureOptions, stack: OwnStack, rig: Rig): Promise<Figures> {
  const { minutes, seed, rate, signal } = options;
  const { pipeline } = rig;
  // Two sequences, so that the faults of a seed do not depend on how fast clients are.
  const load = startLoad({ pool: pipeline.pool, random: seeded(seed + 1), rowsPerSecond: rate });
  try {
    const faults = await inflict(options, stack, rig);
    await untilAborted(load.stop(), signal);
    await secondsToCatchUp(pipeline, RECOVERY_TIMEOUT_MS, signal);
    await restartLanding(rig); // sweeps what killed attempts left
    return {
      seed,
      minutes,
      ...(await untilAborted(verdict(rig), signal)),
      transactions: load.counts,
      workersStarted: rig.workersStarted(),
      faults,
    };
  } finally {
    load.abandon();
  }
}

/** Faults, one after the other, until the time is over. */
async function inflict(
  { minutes, seed, signal, report }: TortureOptions,
  stack: OwnStack,
  rig: Rig,
): Promise<FaultFigures[]> {
  const random = seeded(seed);
  const recoveries = new Map<string, (number | undefined)[]>();
  const end = Date.now() + minutes * 60_000;
  while (Date.now() < end) {
    await sleep(random.between(500, 8_000), undefined, { signal });
    const fault = chooseFault(rig, stack, random);
    report(`${fault.kind}, ${fault.what}`);
    await untilAborted(fault.run(signal), signal);
    // Half of the faults strike while the last one is still being recovered from.
    const waits = random.next() < 0.5;
    const seconds = waits ? await secondsToCatchUp(rig.pipeline, RECOVERY_TIMEOUT_MS, signal) : undefined;
    if (seconds !== undefined) report(`caught up in ${seconds} s`);
    recoveries.set(fault.kind, [...(recoveries.get(fault.kind) ?? []), seconds]);
  }
  return [...recoveries].sort(([a], [b]) => a.localeCompare(b)).map(([kind, all]) => summed(kind, all));
}

function summed(kind: string, all: (number | undefined)[]): FaultFigures {
  const measured = all.filter((seconds) => seconds !== undefined).sort((a, b) => a - b);
  const middle = measured[Math.floor(measured.length / 2)];
  return {
    kind,
    times: all.length,
    secondsToRecover:
      middle === undefined ? null : { measured: measured.length, p50: middle, max: measured.at(-1)! },
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
