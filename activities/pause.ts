import { setTimeout as sleep } from 'node:timers/promises';

/** Waits, and rejects at once when the signal is aborted. */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal });
}
