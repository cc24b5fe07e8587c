import { CancellationScope, isCancellation } from '@temporalio/workflow';

/** Lets signals end a wait: {@link Interruptible.run} gives `undefined` when {@link Interruptible.interrupt} came first. */
export interface Interruptible {
  run<T>(work: () => Promise<T>): Promise<T | undefined>;
  interrupt(): void;
}

/** For work that only reads: what is interrupted may still run on for a moment in its worker. */
export function createInterruptible(): Interruptible {
  let scope: CancellationScope | undefined;
  let interrupted = false;
  return {
    async run(work) {
      scope = new CancellationScope();
      interrupted = false;
      try {
        return await scope.run(work);
      } catch (error) {
        // A cancellation that is not ours is the whole workflow's, and goes on.
        if (interrupted && isCancellation(error)) return undefined;
        throw error;
      } finally {
        scope = undefined;
      }
    },
    interrupt() {
      interrupted = true;
      scope?.cancel();
    },
  };
}
