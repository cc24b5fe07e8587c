import { setTimeout as sleep } from 'node:timers/promises';
import type { Settings } from '../../configs/schema';
import { boundOf, check, type Checked } from './check';
import type { LakeWatch } from './lake-watch';
import type { Flow } from './pipeline';

/** All live orders are seen and nothing moves for so long: what is missing now will not come. */
const QUIET_MS = 4_000;
/** Live orders are under way and nothing moves for so long: an outage that the demo does not wait out. */
const STUCK_MS = 60_000;

/** Waits for what is under way, then checks; once more whenever something arrived in between. */
export async function drain(options: {
  settings: Settings;
  watch: LakeWatch;
  flow: () => Promise<Flow>;
}): Promise<Checked> {
  const { settings, watch, flow } = options;
  const bound = await boundOf(settings);
  let last = '';
  let lastChange = Date.now();
  let checkedAt = '';
  for (;;) {
    const { published, read, troubles } = await flow();
    const state = `${published} ${read} ${watch.pending}`;
    if (state !== last) [last, lastChange] = [state, Date.now()];
    const quietMs = Date.now() - lastChange;

    if (watch.pending === 0) {
      if (checkedAt !== state) {
        checkedAt = state;
        // Where it cannot compare yet, the last look tells why.
        const result = await check(settings, bound).catch(() => undefined);
        if (result?.equal === true) return result;
      }
      // Files appear a moment before the workflow counts them, so the last look is a fresh one.
      if (quietMs > QUIET_MS && troubles.length === 0) return check(settings, bound);
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
