import { Worker, type NativeConnection } from '@temporalio/worker';
import { createCaptureActivities } from '../activities/capture';
import { tellingActivities } from '../activities/events';
import { commonBehaviour } from '../activities/interceptor';
import { countingActivities } from '../activities/metrics';
import { createLandActivities } from '../activities/landing';
import { createMaintenanceActivities } from '../activities/maintenance';
import { createVerifyActivities } from '../activities/verification/compare-orders';
import { createOrdersTopic, topicOptions } from '../adapters/kafka';
import { openStorage } from '../adapters/lake/reading';
import { createOrdersLake, createOversizedRows } from '../adapters/lake/writing';
import { createWatermarkFile } from '../adapters/state-file';
import { createOrdersSource } from '../adapters/postgres';
import type { Settings } from '../configs/schema';
import type { System } from '../activities/system-of';
import { NO_METRICS, type Telemetry } from '../ports';
import { WORKFLOWS, type Queue } from '../domain/names';
import { createVerify } from '../reconcile/open';
import { historySinks } from './history';
import { watchRoom } from './lake-room';
import { measured } from './measured';
import type { Module } from './logger';
import { pipelineName } from './pipeline-name';
import type { Tracing } from './tracing';

/**
 * How long a batch in flight may go on after SIGTERM. Most end sooner; what does not is handed back: its transaction is
 * aborted or its temporary files are left to be swept, and another worker repeats it.
 */
const GRACE_MS = 5_000;

/** Heartbeats reach the server this often at most, so that a lost worker is told from a busy one within 10 s. */
const HEARTBEAT_THROTTLE_MS = 2_000;

/**
 * A workflow task waits this long for the worker that has the workflow in memory before any other may take it; so a
 * worker that was killed holds its workflows up no longer than this (the SDK's default is 10 s).
 */
const STICKY_MS = 2_000;

/**
 * Requests for work that wait at the server: as few as the SDK allows, one for activities, one for workflow tasks and
 * one for those of workflows in memory. A process that is frozen, or cut off without a word, loses one task to each
 * before the server notices, and each costs the 10 s after which a task counts as lost (with the SDK's ten it took
 * minutes). One workflow does one thing at a time, so these are plenty: neither rows/s nor freshness tells the
 * difference. Said in this way, for `maxConcurrentActivityTaskPolls` and its like are accepted by the SDK's types and
 * read by nothing (1.24.0).
 */
const POLLS = {
  activityTaskPollerBehavior: { type: 'simple-maximum', maximum: 1 },
  workflowTaskPollerBehavior: { type: 'simple-maximum', maximum: 2 },
} as const;

export interface QueueOptions {
  queue: Queue;
  settings: Settings;
  connection: NativeConnection;
  namespace: string;
  workflows: { codePath: string };
  telemetry: (module: Module) => Telemetry;
  /** Absent: no traces are made. */
  tracing?: Tracing | undefined;
  stop: AbortSignal;
}

export interface QueueWorker {
  run(): Promise<void>;
  /** Whether it asks for work. */
  isPolling(): boolean;
}

/** A worker of one task queue. `run` ends after `stop` was aborted and what is in flight has ended or was handed back. */
export async function createQueueWorker(options: QueueOptions): Promise<QueueWorker> {
  const { queue, settings, connection, namespace, tracing, stop } = options;
  const { activities, close } = activitiesOf(queue, {
    settings,
    telemetry: options.telemetry,
    tracing,
    stopping: stop,
    pipelineName: pipelineName(connection, namespace, settings.kafka.topic),
  });
  const pipeline = options.telemetry('pipeline');
  const worker = await Worker.create({
    connection,
    namespace,
    taskQueue: WORKFLOWS[queue === 'capture' ? 'captureOrders' : 'landOrders'].taskQueue,
    workflowBundle: options.workflows,
    activities,
    interceptors: {
      activity: [
        ...(tracing === undefined ? [] : [tracing.interceptor]),
        countingActivities(pipeline.metrics),
        tellingActivities(pipeline.log),
        commonBehaviour,
      ],
    },
    sinks: historySinks(pipeline.metrics),
    shutdownGraceTime: GRACE_MS,
    shutdownForceTime: 2 * GRACE_MS,
    stickyQueueScheduleToStartTimeout: STICKY_MS,
    maxHeartbeatThrottleInterval: HEARTBEAT_THROTTLE_MS,
    ...POLLS,
  });
  return {
    isPolling: () => worker.getState() === 'RUNNING' && worker.getStatus().workflowPollerState === 'POLLING',
    async run() {
      if (stop.aborted) return;
      try {
        const running = worker.run();
        stop.addEventListener('abort', () => worker.getState() === 'RUNNING' && worker.shutdown());
        await running;
      } finally {
        await close();
        await connection.close();
      }
    },
  };
}

function activitiesOf(
  queue: Queue,
  deps: {
    settings: Settings;
    telemetry: (module: Module) => Telemetry;
    tracing: Tracing | undefined;
    stopping: AbortSignal;
    pipelineName: () => Promise<string | undefined>;
  },
) {
  const { settings, telemetry, tracing } = deps;
  const { metrics } = telemetry('pipeline');
  const watch = <T extends object>(
    target: T,
    system: Exclude<System, 'other'>,
    perRow: readonly (keyof T & string)[] = [],
  ): T =>
    measured(target, system, {
      observe: (seconds, labels) => metrics.observe(`orders_${system}_seconds`, seconds, labels),
      step: tracing && ((name, call) => tracing.call(system, name, call)),
      perRow,
    });
  const topic = watch(createOrdersTopic(topicOptions(settings.kafka, telemetry('kafka'))), 'kafka', [
    'partitionOf',
  ]);
  if (queue === 'capture') {
    const source = watch(createOrdersSource(settings, telemetry('postgres')), 'postgres');
    const watermarkFile = createWatermarkFile(settings.streaming.last_processed_timestamp_location);
    const oversized = watch(createOversizedRows(openStorage(settings.datalake)), 'lake');
    return {
      activities: createCaptureActivities({ source, topic, oversized, watermarkFile, metrics, ...deps }),
      close: async () => void (await Promise.allSettled([source.close(), topic.close()])),
    };
  }
  const lake = watch(createOrdersLake(settings.datalake, telemetry('lake')), 'lake');
  watchRoom(openStorage(settings.datalake), metrics, deps.stopping);
  // Its reading of all there is would hide what capture and landing do.
  const uncounted = { ...telemetry('pipeline'), metrics: NO_METRICS };
  return {
    activities: {
      ...createLandActivities({ topic, lake, metrics, ...deps }),
      ...createMaintenanceActivities({ lake, ...deps }),
      ...createVerifyActivities({ verify: createVerify(settings, uncounted) }),
    },
    close: () => topic.close(),
  };
}
