import type { Settings } from '../../configs/schema';
import { translateErrors } from './errors';
import { openSession } from './session';

/** What the server runs; its answers are waited for `answerMs` each. Transient errors and refused logins as in capture. */
export function serverVersion(
  settings: Settings['postgres'],
  answerMs: number,
): Promise<{ text: string; number: number }> {
  return translateErrors(settings, async () => {
    const client = await openSession(settings, answerMs);
    try {
      const { rows } = await client.query<{ text: string; number: number }>(
        `SELECT current_setting('server_version') AS text, current_setting('server_version_num')::int AS number`,
      );
      return rows[0]!;
    } finally {
      await client.end();
    }
  });
}
