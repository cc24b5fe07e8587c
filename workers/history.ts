import type { InjectedSinks } from '@temporalio/worker';
import type { HistorySinks, Metrics } from '../ports';

const WORKFLOWS: Record<string, string> = { captureOrders: 'capture', landOrders: 'land' };

/** Takes what workflows tell of the size of their history; those that end by themselves stay small. */
export function historySinks(metrics: Metrics): InjectedSinks<HistorySinks> {
  return {
    history: {
      size: {
        fn({ workflowType }, events, bytes) {
          const workflow = WORKFLOWS[workflowType];
          if (workflow === undefined) return;
          metrics.set('orders_history_events', events, { workflow });
          metrics.set('orders_history_bytes', bytes, { workflow });
        },
      },
    },
  };
}
