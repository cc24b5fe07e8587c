import type { Settings } from '../../configs/schema';
import { namingPipeline } from '../name-pipeline';
import type { Metrics, OrdersSource, OrdersTopic, OversizedRows, WatermarkFile } from '../../ports';
import { createAdvanceWatermark } from './advance-watermark';
import { createOpenCapture } from './open-capture';
import { createPoll, type Told } from './poll';
import { createPublish } from './publish';
import { createRenewProgress } from './renew-progress';

/** The activities of the task queue `orders-capture`. */
export function createCaptureActivities(deps: {
  source: OrdersSource;
  topic: OrdersTopic;
  oversized: OversizedRows;
  watermarkFile: WatermarkFile;
  settings: Settings;
  metrics?: Metrics;
  /** See {@link namingPipeline}. */
  pipelineName: () => Promise<string | undefined>;
  /** Aborted when the worker is told to stop: waiting ends, work is finished. */
  stopping: AbortSignal;
}) {
  const { source, topic, oversized, watermarkFile, settings, stopping } = deps;
  const named = namingPipeline(deps.pipelineName);
  const told: Told = {};
  return {
    openCapture: named(
      createOpenCapture({
        source,
        topic,
        watermarkFile,
        defaultStart: settings.cdc.default_start_timestamp,
        told,
      }),
    ),
    poll: named(
      createPoll({
        source,
        batchLimit: settings.cdc.batch_limit,
        intervalMs: settings.cdc.poll_interval_sec * 1000,
        stopping,
        told,
        metrics: deps.metrics,
      }),
    ),
    publish: createPublish({ source, topic, oversized }),
    advanceWatermark: createAdvanceWatermark({ topic, watermarkFile }),
    renewProgress: createRenewProgress({ topic }),
  };
}

export type CaptureActivities = ReturnType<typeof createCaptureActivities>;
