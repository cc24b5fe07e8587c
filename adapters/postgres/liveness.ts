import type { Client, PoolClient } from 'pg';
import type { Settings } from '../../configs/schema';
import { openSession } from './session';

/** A server that says nothing for so long may be gone without a word; it is asked then, over another connection. */
const UNRESPONSIVE_AFTER_MS = 5_000;
/** An answer may be on its way while the server already counts as idle. */
const GRACE_MS = 2_000;
/** Where nobody can say whether the server still works (a connection pooler hides its processes), this is the limit. */
const UNKNOWN_LIMIT_MS = 60_000;

const WORKS_SQL = `
  SELECT CASE WHEN state <> 'disabled' THEN state = 'active' AND wait_event_type IS DISTINCT FROM 'Client' END AS works
    FROM pg_stat_activity WHERE pid = $1`;

/**
 * Waits for an answer of the server, however long the server works on it, but not on a connection at whose other end
 * nobody is any more (half-open: TCP tells neither side). Rejects as a transient error then; the connection is of no more use.
 */
export async function withLivenessCheck<T>(
  client: PoolClient,
  settings: Settings['postgres'],
  answer: Promise<T>,
): Promise<T> {
  const begun = Date.now();
  answer.catch(() => undefined); // it fails, unheard, when the connection is thrown away
  for (;;) {
    if (await settles(answer, UNRESPONSIVE_AFTER_MS)) return answer;
    const works = await stillWorks(client, settings);
    const tooLong = works === undefined && Date.now() - begun > UNKNOWN_LIMIT_MS;
    if ((works === false || tooLong) && !(await settles(answer, GRACE_MS))) {
      const seconds = Math.round((Date.now() - begun) / 1_000);
      throw new Error(`the connection is dead: no answer for ${seconds} s, and the server works on none`);
    }
  }
}

/** Whether the server's process is at work for this connection; `undefined` where that cannot be seen. */
async function stillWorks(client: PoolClient, settings: Settings['postgres']): Promise<boolean | undefined> {
  const { processID } = client as unknown as { processID: number | null };
  let second: Client | undefined;
  try {
    second = await openSession(settings, UNRESPONSIVE_AFTER_MS);
    const { rows } = await second.query<{ works: boolean | null }>(WORKS_SQL, [processID]);
    return rows[0]?.works ?? undefined;
  } catch {
    return false; // no second connection either
  } finally {
    await second?.end().catch(() => undefined);
  }
}

async function settles(answer: Promise<unknown>, milliseconds: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => (timer = setTimeout(() => resolve(false), milliseconds)));
  const settled = answer.then(
    () => true,
    () => true,
  );
  try {
    return await Promise.race([settled, late]);
  } finally {
    clearTimeout(timer);
  }
}
