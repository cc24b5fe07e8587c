import { asyncLocalStorage, type Context } from '@temporalio/activity';

/** Runs an activity's function as the first attempt of an activity, without a worker. */
export function inActivity<T>(work: () => Promise<T>): Promise<T> {
  const context = {
    info: { attempt: 1, currentAttemptScheduledTimestampMs: Date.now() },
    cancellationSignal: new AbortController().signal,
    heartbeat: () => undefined,
  };
  return asyncLocalStorage.run(context as unknown as Context, work);
}
