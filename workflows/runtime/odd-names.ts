import type { WorkflowInterceptors } from '@temporalio/workflow';

/** Names that the SDK keeps for itself; it throws where anybody uses one, and fails the workflow's task indefinitely. */
const RESERVED = /^$|^__temporal_/;

/** A signal or update of such a name gets another one, and so is refused like any that nobody understands. */
export const interceptors = (): WorkflowInterceptors => ({
  internals: [
    {
      activate(input, next) {
        for (const { signalWorkflow, doUpdate } of input.activation.jobs ?? []) {
          if (signalWorkflow && RESERVED.test(signalWorkflow.signalName ?? ''))
            signalWorkflow.signalName = allowed(signalWorkflow.signalName);
          if (doUpdate && RESERVED.test(doUpdate.name ?? '')) doUpdate.name = allowed(doUpdate.name);
        }
        next(input);
      },
    },
  ],
});

function allowed(name: string | null | undefined): string {
  return name ? `(reserved) ${name}` : '(without a name)';
}
