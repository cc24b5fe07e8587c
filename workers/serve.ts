import { NativeConnection, Worker, type WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { createCaptureActivities } from '../activities/capture';
import { commonBehaviour } from '../activities/interceptor';
import { createLandActivities } from '../activities/land';
import { createVerifyActivities } from '../activities/verify';
import { createOrdersTopic, topicOptions } from '../adapters/kafka';
import { createOrdersLake } from '../adapters/lake';
import { createOversizedRows } from '../adapters/lake/oversized-rows';
import { createOrdersSource } from '../adapters/postgres';
import type { Settings } from '../configs/schema';
import { unreachable } from '../adapters/temporal/unreachable';
import type { loadTemporal } from '../configs/temporal';
import { WORKFLOWS, type Queue } from '../model/names';
import { pipelineName } from './pipeline-name';

/**
 * How long a batch in work may go on after SIGTERM. Most end sooner; what does not is handed back: its transaction is
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
 * Requests for work that wait at the server at the same time. A process that is frozen, or cut off without a word, loses
 * one task to each before the server notices, and each costs the 10 s after which a task counts as lost (the SDK's 10
 * polls took minutes). One workflow does one thing at a time, so two are plenty.
 */
const POLLS = 2;

/** A worker of one task queue. `run` ends after `stop` was called and what is in work has ended or was handed back. */
export async function createQueueWorker(options: {
  queue: Queue;
  settings: Settings;
  temporal: ReturnType<typeof loadTemporal>;
  workflows: { codePath: string } | WorkflowBundleWithSourceMap;
}): Promise<{ run(): Promise<void>; stop(): void }> {
  const stopping = new AbortController();
  const connection = await NativeConnection.connect(options.temporal.connection).catch(
    async (error: unknown) => {
      throw await unreachable(options.temporal, error);
    },
  );
  const { activities, close } = activitiesOf(options.queue, {
    settings: options.settings,
    stopping: stopping.signal,
    pipelineName: pipelineName(connection, options.temporal.namespace, options.settings.kafka.topic),
  });
  const worker = await Worker.create({
    connection,
    namespace: options.temporal.namespace,
    taskQueue: WORKFLOWS[options.queue === 'capture' ? 'captureOrders' : 'landOrders'].taskQueue,
    workflowBundle: options.workflows,
    activities,
    interceptors: { activity: [commonBehaviour] },
    shutdownGraceTime: GRACE_MS,
    shutdownForceTime: 2 * GRACE_MS,
    stickyQueueScheduleToStartTimeout: STICKY_MS,
    maxHeartbeatThrottleInterval: HEARTBEAT_THROTTLE_MS,
    maxConcurrentWorkflowTaskPolls: POLLS,
    maxConcurrentActivityTaskPolls: POLLS,
  });
  return {
    async run() {
      try {
        await worker.run();
      } finally {
        await close();
        await connection.close();
      }
    },
    stop() {
      stopping.abort();
      if (worker.getState() === 'RUNNING') worker.shutdown();
    },
  };
}

function activitiesOf(
  queue: Queue,
  deps: { settings: Settings; stopping: AbortSignal; pipelineName: () => Promise<string | undefined> },
) {
  const { settings } = deps;
  const topic = createOrdersTopic(topicOptions(settings.kafka));
  if (queue === 'capture') {
    const source = createOrdersSource(settings);
    const oversized = createOversizedRows(settings.datalake.path);
    return {
      activities: createCaptureActivities({ source, topic, oversized, ...deps }),
      close: async () => void (await Promise.allSettled([source.close(), topic.close()])),
    };
  }
  const lake = createOrdersLake({ path: settings.datalake.path, compression: settings.datalake.compression });
  return {
    activities: {
      ...createLandActivities({ topic, lake, ...deps }),
      ...createVerifyActivities({ settings }),
    },
    close: () => topic.close(),
  };
}
