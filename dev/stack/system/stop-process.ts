import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive, withDescendants, type ProcessIdentity } from './process-identity';

/** Short, because every `down` and `kill` waits for it; a look costs one small file read. */
const pollMs = 20;

/** Asks a process to stop and waits; after `timeoutMs` it and its descendants are killed. */
export async function stopProcess(
  identity: ProcessIdentity,
  signal: NodeJS.Signals,
  timeoutMs: number,
): Promise<void> {
  signalIfAlive(identity, signal);
  if (!(await waitUntilGone([identity], timeoutMs))) await killProcess(identity);
}

/**
 * Kills a process and its descendants (SIGKILL) and returns when all are gone. The parent goes first, so that it
 * cannot replace or mourn its children: PostgreSQL's answer to a killed backend would be a restart of its own.
 */
export async function killProcess(identity: ProcessIdentity): Promise<void> {
  if (!isAlive(identity)) return;
  const family = withDescendants(identity);
  for (const member of family) signalIfAlive(member, 'SIGKILL');
  if (!(await waitUntilGone(family, 10_000))) {
    throw new Error(`Process ${identity.pid} or one of its children survived SIGKILL for 10 s`);
  }
}

function signalIfAlive(identity: ProcessIdentity, signal: NodeJS.Signals): void {
  if (!isAlive(identity)) return;
  try {
    process.kill(identity.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // gone between the look and the signal
  }
}

async function waitUntilGone(family: ProcessIdentity[], timeoutMs: number): Promise<boolean> {
  const end = Date.now() + timeoutMs;
  while (family.some(isAlive)) {
    if (Date.now() > end) return false;
    await sleep(pollMs);
  }
  return true;
}
