import type { Settings } from '../../configs/schema';
import type { OrdersLake } from '../../ports';
import { createCheckpointLedger } from './checkpoint-ledger';
import { createCommitMerge } from './commit-merge';
import { createCompactDate } from './compact-date';

/** What keeps the lake in shape; on the task queue `orders-land`. */
export function createMaintenanceActivities(deps: {
  lake: OrdersLake;
  settings: Settings;
  /** Aborted when the worker is told to stop: waiting ends, work is finished. */
  stopping: AbortSignal;
}) {
  const { lake, settings, stopping } = deps;
  return {
    checkpointLedger: createCheckpointLedger({ lake }),
    commitMerge: createCommitMerge({ lake }),
    compactDate: createCompactDate({ lake, compaction: settings.datalake.compaction, stopping }),
  };
}

export type MaintenanceActivities = ReturnType<typeof createMaintenanceActivities>;
