import { ApplicationFailure, patched } from '@temporalio/workflow';

/**
 * What a workflow was started with, as `read` reads it. What that refuses ends the workflow at once with InvalidSettings: a
 * typing error must not capture or land something else than was meant.
 */
export function checkedInput<T extends object>(
  workflow: string,
  args: readonly unknown[],
  read: (args: readonly unknown[]) => T,
): T {
  try {
    return read(args);
  } catch (error) {
    const problem = `Input of ${workflow}: ${(error as Error).message}`;
    if (patched('checked-input')) throw ApplicationFailure.nonRetryable(problem, 'InvalidSettings');
    // A run that an earlier version began goes on as it began.
    const [input] = args;
    return (typeof input === 'object' && input !== null ? input : {}) as T;
  }
}
