import { closeSync, mkdirSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { identify, isAlive, type ProcessIdentity } from './process-identity';

export interface LockOptions {
  /** Called once if somebody else holds the lock. */
  onWait?: ((holder: number) => void) | undefined;
}

/**
 * Runs `work` while this process holds the lock file. A file that names a process which no longer runs is taken
 * over, so a killed command blocks nobody. (Node has no flock, and lock libraries that rely on a file's age let a
 * second command in while a first one is merely slow, as in a four-minute build.)
 */
export async function withLock<T>(file: string, options: LockOptions, work: () => Promise<T>): Promise<T> {
  mkdirSync(dirname(file), { recursive: true });
  let told = false;
  while (!tryLock(file)) {
    const holder = readHolder(file);
    if (holder && isAlive(holder)) {
      if (!told && holder.pid !== process.pid) options.onWait?.(holder.pid);
      told = true;
    } else {
      removeStale(file);
    }
    await sleep(50);
  }
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

function tryLock(file: string): boolean {
  return createExclusively(file, JSON.stringify(identify(process.pid)));
}

function createExclusively(file: string, content: string): boolean {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'wx');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
  writeSync(descriptor, content);
  closeSync(descriptor);
  return true;
}

function readHolder(file: string): ProcessIdentity | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ProcessIdentity;
  } catch {
    return undefined; // gone, or its owner died between creating and writing it
  }
}

/**
 * Two waiting processes may find the same stale file: if both just removed it, the slower one would remove the
 * lock that the quicker one has taken since. So removing needs a lock of its own; the look is repeated inside.
 * That one is held for microseconds, and so its age decides.
 */
function removeStale(file: string): void {
  const breaker = `${file}.break`;
  if (!createExclusively(breaker, '')) {
    if (ageMs(breaker) > 10_000) rmSync(breaker, { force: true });
    return;
  }
  try {
    const holder = readHolder(file);
    // An empty file may be one that its owner is just about to write into.
    if (holder ? !isAlive(holder) : ageMs(file) > 2000) rmSync(file, { force: true });
  } finally {
    rmSync(breaker, { force: true });
  }
}

function ageMs(file: string): number {
  try {
    return Date.now() - statSync(file).mtimeMs;
  } catch {
    return 0;
  }
}
