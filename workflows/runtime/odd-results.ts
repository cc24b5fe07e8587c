import { ApplicationFailure, type WorkflowInterceptors } from '@temporalio/workflow';
import type { NonRetryableErrorType } from '../../domain/errors';
import { undecodedBecause } from '../../domain/undecodable';

const FOREIGN: NonRetryableErrorType = 'ForeignResult';

/**
 * Each of our activities returns an object. Anything else was given by somebody who completed it by hand, and would fail the
 * workflow's task indefinitely; so it ends the workflow, and a new start goes on from what was really done.
 */
export const interceptors = (): WorkflowInterceptors => ({
  outbound: [
    {
      async scheduleActivity(input, next) {
        const result: unknown = await next(input);
        const isOurs =
          typeof result === 'object' &&
          result !== null &&
          !Array.isArray(result) &&
          undecodedBecause(result) === undefined;
        if (isOurs) return result;
        throw ApplicationFailure.nonRetryable(
          `${input.activityType} was completed by hand with what it never returns: nothing of it is believed. ` +
            'Start the workflow again (npm run orders -- start); it goes on from what was really done.',
          FOREIGN,
        );
      },
    },
  ],
});
