import { ActivityFailure, ApplicationFailure, patched } from '@temporalio/workflow';
import type { NonRetryableErrorType } from '../../domain/errors';

/** The non-retryable error that an activity ended with, if it is one of these; every other error is thrown on. */
export function nonRetryableError(
  error: unknown,
  types: readonly NonRetryableErrorType[],
): { type: NonRetryableErrorType; message: string } {
  const cause = error instanceof ActivityFailure ? error.cause : undefined;
  const type = cause instanceof ApplicationFailure ? types.find((one) => one === cause.type) : undefined;
  if (cause === undefined || type === undefined) throw error;
  return { type, message: cause.message };
}

/**
 * Whoever resets a workflow to an earlier event gives it a state that is behind what it has done, and its next step meets a
 * conflict with itself. Then `reopen` finds the true place; it fails with the same conflict where that is not so, and `error` is
 * thrown on.
 */
export async function unlessOwn<T>(
  error: unknown,
  conflict: NonRetryableErrorType,
  reopen: () => Promise<T>,
): Promise<T> {
  nonRetryableError(error, [conflict]);
  // Histories of earlier versions end with the conflict.
  if (!patched('own-conflict')) throw error;
  try {
    return await reopen();
  } catch (again) {
    nonRetryableError(again, [conflict]);
    throw error;
  }
}
