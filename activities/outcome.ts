import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import type { CommitInput } from './landing/commit-micro-batch';

/** What became of a batch that was committed. */
export function batchOutcome({
  parked,
  supersedes,
  withdrawn,
}: CommitInput): 'landed' | 'failed' | 'replayed' | 'withdrawn' {
  if (parked !== undefined) return 'failed';
  if (withdrawn !== undefined) return 'withdrawn';
  return supersedes === undefined ? 'landed' : 'replayed';
}

/** `cancelled`, `transient`, or the type of a non-retryable error: ours are a closed list, those of others are not. */
export function failureKind(error: unknown): string {
  if (error instanceof CancelledFailure) return 'cancelled';
  const nonRetryable = error instanceof ApplicationFailure && error.nonRetryable === true;
  return nonRetryable ? (error.type ?? 'unknown') : 'transient';
}
