import { withRig, type Rig } from './rig';

/** Scenarios that share a pipeline, in order; each ends with a verdict of its own. */
export type Lane = Record<string, (rig: Rig) => Promise<void>>;

/**
 * Runs lanes at the same time, each on a pipeline of its own, and reports each scenario as a test: nearly all the time
 * is spent waiting until Temporal notices a lost worker (10 s). (`test.concurrent` forbids what is required late, as
 * kafkajs does.)
 */
export function sideBySide(lanes: Lane[], timeoutMs = 300_000): void {
  const outcomes = new Map<string, { error?: unknown }>();
  beforeAll(async () => {
    const runs = lanes.map((lane) => withRig((rig) => runLane(lane, rig), { timeoutMs: timeoutMs - 10_000 }));
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
    return lanes.flatMap((lane) => Object.keys(lane));
  }

  async function runLane(lane: Lane, rig: Rig): Promise<void> {
    for (const [name, run] of Object.entries(lane)) {
      try {
        await run(rig);
        outcomes.set(name, {});
      } catch (error) {
        outcomes.set(name, { error });
        throw error;
      }
    }
  }
}
