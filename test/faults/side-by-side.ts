import { withHarness, type Harness, type HarnessOptions } from './harness';

/** Scenarios that share a pipeline, in order; each ends with a check of its own. */
export type Lane = Record<string, (harness: Harness) => Promise<void>>;

/** A lane whose pipeline is not as usual. */
export interface LaneWith {
  lane: Lane;
  options: HarnessOptions;
}

/**
 * Runs lanes at the same time, each on a pipeline of its own, and reports each scenario as a test: nearly all the time
 * is spent waiting until Temporal notices a lost worker (10 s). (`test.concurrent` forbids what is required late, as
 * kafkajs does.)
 */
export function sideBySide(given: (Lane | LaneWith)[], timeoutMs = 300_000): void {
  const lanes = given.map((one) => (isLaneWith(one) ? one : { lane: one, options: {} }));
  const outcomes = new Map<string, { error?: unknown }>();
  beforeAll(async () => {
    const runs = lanes.map(({ lane, options }) =>
      withHarness((harness) => runLane(lane, harness), { ...options, timeoutMs: timeoutMs - 10_000 }),
    );
    const failed = (await Promise.allSettled(runs)).find((run) => run.status === 'rejected');
    // A scenario that never began fails for what kept it from beginning.
    for (const name of names())
      if (!outcomes.has(name)) outcomes.set(name, { error: failed?.reason as unknown });
  }, timeoutMs);
  test.each(names())('%s', (name) => {
    const { error } = outcomes.get(name) ?? {};
    if (error !== undefined) throw error as Error;
  });

  function names(): string[] {
    return lanes.flatMap(({ lane }) => Object.keys(lane));
  }

  async function runLane(lane: Lane, harness: Harness): Promise<void> {
    for (const [name, run] of Object.entries(lane)) {
      try {
        await run(harness);
        outcomes.set(name, {});
      } catch (error) {
        outcomes.set(name, { error });
        throw error;
      }
    }
  }
}

function isLaneWith(one: Lane | LaneWith): one is LaneWith {
  return typeof one['lane'] === 'object';
}
