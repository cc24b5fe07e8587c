import { proxySinks, workflowInfo, type WorkflowInterceptors } from '@temporalio/workflow';
import type { HistorySinks } from '../../ports';

const { history } = proxySinks<HistorySinks>();

/** Tells the size of the history after each workflow task; not in a replay. */
export const interceptors = (): WorkflowInterceptors => ({
  internals: [
    {
      concludeActivation(input, next) {
        const { historyLength, historySize } = workflowInfo();
        history.size(historyLength, historySize);
        return next(input);
      },
    },
  ],
});
