import type { Settings } from '../../configs/schema';
import { namingPipeline } from '../name-pipeline';
import type { Metrics, OrdersLake, OrdersTopic } from '../../ports';
import { createClaimMicroBatch } from './claim-micro-batch';
import { createCommitMicroBatch } from './commit-micro-batch';
import { createLandAgain } from './land-again';
import { createLandMicroBatch } from './land-micro-batch';
import { createOpenLanding } from './open-landing';
import { createResolveOffsets } from './resolve-offsets';
import { createSelectBatches } from './select-batches';

/** The activities of the task queue `orders-land`. */
export function createLandActivities(deps: {
  topic: OrdersTopic;
  lake: OrdersLake;
  settings: Settings;
  metrics?: Metrics;
  /** See {@link namingPipeline}. */
  pipelineName: () => Promise<string | undefined>;
  /** Aborted when the worker is told to stop: waiting ends, work is finished. */
  stopping: AbortSignal;
}) {
  const { topic, lake, settings, stopping } = deps;
  const named = namingPipeline(deps.pipelineName);
  return {
    openLanding: named(createOpenLanding({ topic, lake })),
    resolveOffsets: createResolveOffsets({ topic }),
    claimMicroBatch: named(
      createClaimMicroBatch({
        topic,
        lake,
        maxOffsets: settings.consumer.maxOffsetsPerTrigger,
        waitMs: settings.consumer.trigger_interval_ms,
        stopping,
        metrics: deps.metrics,
      }),
    ),
    landMicroBatch: createLandMicroBatch({ topic, lake, metrics: deps.metrics }),
    commitMicroBatch: createCommitMicroBatch({ topic, lake }),
    landAgain: createLandAgain({ topic, lake }),
    selectBatches: createSelectBatches({ lake }),
  };
}

export type LandActivities = ReturnType<typeof createLandActivities>;
