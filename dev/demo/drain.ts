import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from 'pg';
import type { Settings } from '../../configs/schema';
import { boundOf, compare, type Comparison } from './check';
import type { LakeWatch } from './lake-watch';
import type { Flow } from './pipeline';

/** All live orders are seen and nothing moves for so long: what is missing now will not come. */
const QUIET_MS = 4_000;
/** Live orders are under way and nothing moves for so long: an outage that the demo does not wait out. */
const STUCK_MS = 60_000;

/** Waits for what is under way, then compares; once more whenever something arrived in between. */
export async function drain(options: {
  pool: Pool;
  settings: Settings;
  watch: LakeWatch;
  flow: () => Promise<Flow>;
}): Promise<Comparison> {
  const { pool, settings, watch, flow } = options;
  const bound = await boundOf(pool, settings.postgres);
  let last = '';
  let lastChange = Date.now();
  let compared: { state: string; result: Comparison } | undefined;
  for (;;) {
    const { published, read, troubles } = await flow();
    const state = `${published} ${read} ${watch.pending}`;
    if (state !== last) [last, lastChange] = [state, Date.now()];
    const quietMs = Date.now() - lastChange;

    if (watch.pending === 0) {
      if (compared?.state !== state) {
        compared = { state, result: await compare(pool, settings, bound) };
        if (compared.result.equal) return compared.result;
      }
      // Files appear a moment before the workflow counts them, so the last look is a fresh one.
      if (quietMs > QUIET_MS && troubles.length === 0) return compare(pool, settings, bound);
    }
    if (quietMs > STUCK_MS) {
      const reasons = troubles.map((trouble) => `\n  ${trouble}`).join('');
      throw new Error(
        `${watch.pending} orders were inserted, but have not landed, and nothing moved for ${STUCK_MS / 1000} s.${reasons}\n` +
          'They are not lost: they land as soon as the cause is gone. See npm run orders -- status, and the Web UI.',
      );
    }
    await sleep(200);
  }
}
