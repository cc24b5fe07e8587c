import { setTimeout as sleep } from 'node:timers/promises';
import type { Harness } from '../../test/faults/harness';
import type { Declared } from './declared';
import type { OwnStack } from './own-stack';
import type { Random } from './random';

export interface Fault {
  /** What the figures count it as: what was done, to whom. */
  kind: string;
  /** For the log. */
  what: string;
  /** Rejects when the signal is aborted, with the fault over. */
  run(signal: AbortSignal): Promise<void>;
}

/** What a fault is done to. */
export interface Victim {
  harness: Harness;
  stack: OwnStack;
  declared: Declared;
}

/** Makes a fault; all that is random about it is decided here, so that a seed repeats it. */
export type Make = (victim: Victim, random: Random) => Fault;

/** Server and workers may still be recovering from the fault before. */
const TIMEOUT_MS = 120_000;

/** Does the work until it succeeds. */
export async function insist<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  const deadline = Date.now() + TIMEOUT_MS;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (Date.now() > deadline || signal.aborted) throw error;
      await sleep(300, undefined, { signal });
    }
  }
}

export function seconds(number: number, signal: AbortSignal): Promise<unknown> {
  return sleep(number * 1_000, undefined, { signal });
}
