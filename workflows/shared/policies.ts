import type { ActivityOptions } from '@temporalio/workflow';

/**
 * Transient errors are retried indefinitely: at once, then ever more slowly, at most 5 s apart, so that work goes on within
 * seconds after a server is back. Non-retryable errors say themselves that they are not to be retried.
 */
const retry = { initialInterval: '200 ms', backoffCoefficient: 2, maximumInterval: '5 s' } as const;

/** Every activity heartbeats once a second; ten missed ones mean that its worker is gone. */
const heartbeatTimeout = '10 s';

/** For activities that wait until there is something to do; a little more than the longest they wait. */
export const decidePolicy = {
  startToCloseTimeout: '7 min',
  heartbeatTimeout,
  retry,
} satisfies ActivityOptions;

/** For activities that carry a batch out. A batch takes seconds; a longer time means a hung connection. */
export const workPolicy = {
  startToCloseTimeout: '10 min',
  heartbeatTimeout,
  retry,
} satisfies ActivityOptions;
