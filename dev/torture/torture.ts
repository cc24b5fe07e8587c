import { setTimeout as sleep } from 'node:timers/promises';
import { untilAborted } from '../../adapters/kafka/transport/abort';
import { checkStructure, orders, violations } from '../oracle';
import { ORDERS_TABLE } from '../stack/fresh-pipeline';
import { restartLanding, startHarness } from '../../test/faults/harness';
import { CAPTURE_ROLE, CAPTURE_TABLE, createCaptureRole } from './capture-role';
import { secondsToLand } from './caught-up';
import { Declared } from './declared';
import type { Victim } from './fault';
import { chooseFault } from './faults';
import { startLoad } from './load';
import { ownStack } from './own-stack';
import { seeded } from './random';
import { chooseWorldFault } from './world-faults';

export interface TortureOptions {
  minutes: number;
  seed: number;
  rate: number;
  /** Names of world faults: those and no others are inflicted. */
  only?: string[];
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
    await createCaptureRole(stack.addresses);
    const harness = await startHarness(
      { postgres: { ...CAPTURE_ROLE, table: CAPTURE_TABLE } },
      stack.addresses,
    );
    try {
      return await run(options, { harness, stack, declared: new Declared() });
    } finally {
      // Its database may be away with the server that holds it; the whole stack goes next.
      await harness.dispose().catch(() => undefined);
    }
  } finally {
    await stack.destroy();
  }
}

async function run(options: TortureOptions, victim: Victim): Promise<Figures> {
  const { minutes, seed, rate, signal } = options;
  const { harness } = victim;
  const { pipeline } = harness;
  // Two sequences, so that the faults of a seed do not depend on how fast clients are.
  const load = startLoad({ pool: pipeline.pool, random: seeded(seed + 1), rowsPerSecond: rate });
  try {
    const faults = await inflict(options, victim);
    await untilAborted(load.stop(), signal);
    await caughtUp(victim, signal);
    await restartLanding(harness); // removes what killed attempts left
    return {
      seed,
      minutes,
      ...(await untilAborted(verdict(victim), signal)),
      transactions: load.counts,
      workersStarted: harness.workersStarted(),
      faults,
    };
  } finally {
    load.abandon();
  }
}

/** Where it does not come about, the pipeline's own account of itself is where to begin to search. */
async function caughtUp({ harness }: Victim, signal: AbortSignal): Promise<number> {
  try {
    return await secondsToLand(harness.pipeline, RECOVERY_TIMEOUT_MS, signal);
  } catch (error) {
    signal.throwIfAborted();
    const { output } = await orders(harness, 'status');
    throw new Error(`${(error as Error).message}\n${output}\n${harness.workers.log().slice(-3_000)}`, {
      cause: error,
    });
  }
}

/** Faults, one after the other, until the time is over. */
async function inflict(
  { minutes, seed, only, signal, report }: TortureOptions,
  victim: Victim,
): Promise<FaultFigures[]> {
  const random = seeded(seed);
  const recoveries = new Map<string, (number | undefined)[]>();
  const end = Date.now() + minutes * 60_000;
  while (Date.now() < end) {
    await sleep(random.between(500, 8_000), undefined, { signal });
    const fault = only === undefined ? chooseFault(victim, random) : chooseWorldFault(victim, random, only);
    report(`${fault.kind}, ${fault.what}`);
    await untilAborted(fault.run(signal), signal);
    // Half of the faults strike while the last one is still being recovered from.
    const waits = random.next() < 0.5;
    const seconds = waits ? await caughtUp(victim, signal) : undefined;
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

/**
 * The oracle compares values and waits for what is under way; the structure is given some seconds until the last empty
 * offsets have landed.
 */
async function verdict({ harness, declared }: Victim): Promise<Pick<Figures, 'verdict' | 'orders'>> {
  const { pool } = harness.pipeline;
  const lost = await violations(harness, declared.expected());
  const deadline = Date.now() + 30_000;
  let wrong = await checkStructure(harness.pipeline, declared);
  while (wrong.length > 0 && Date.now() < deadline) {
    await sleep(500);
    wrong = await checkStructure(harness.pipeline, declared);
  }
  const audit = await orders(harness, 'audit');
  if (audit.code !== 0) wrong.push(`orders audit: ${audit.output}`);
  const { rows } = await pool.query<{ n: number }>(`SELECT count(*)::float AS n FROM ${ORDERS_TABLE}`);
  const all = [...lost, ...wrong];
  return { verdict: all.length === 0 ? 'clean' : all, orders: rows[0]?.n ?? 0 };
}
