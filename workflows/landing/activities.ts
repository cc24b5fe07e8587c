import { ActivityFailure, ApplicationFailure, proxyActivities } from '@temporalio/workflow';
import type { LandActivities } from '../../activities/landing';
import type { LastingFailureType } from '../../domain/errors';
import { decidePolicy, workPolicy } from '../shared/policies';

/** Waits long by design: see LONGEST_CLAIM_MS in the activity. */
export const { claimMicroBatch } = proxyActivities<LandActivities>(decidePolicy);
export const { openLanding, resolveOffsets, landMicroBatch, commitMicroBatch, landAgain, selectBatches } =
  proxyActivities<LandActivities>(workPolicy);

/** The lasting failure that an activity ended with, if it is one of these; every other error is thrown on. */
export function lastingFailure(
  error: unknown,
  types: readonly LastingFailureType[],
): { type: LastingFailureType; message: string } {
  const cause = error instanceof ActivityFailure ? error.cause : undefined;
  const type = cause instanceof ApplicationFailure ? types.find((one) => one === cause.type) : undefined;
  if (cause === undefined || type === undefined) throw error;
  return { type, message: cause.message };
}
