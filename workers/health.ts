import type { NativeConnection } from '@temporalio/worker';
import type { Settings } from '../configs/schema';
import { QUEUES, type Queue } from '../domain/names';
import type { Log } from '../ports';
import { serveEndpoint } from './endpoint';
import type { QueueWorker } from './serve';

/** Temporal answers in milliseconds; one that takes longer is as good as away. */
const ANSWER_MS = 2_000;

type Listen = NonNullable<Settings['telemetry']['metrics']['listen']>;

/** Where a queue's process listens: one after the other from the port in the settings; 0 stays 0. */
export function portOf({ port }: Listen, queue: Queue): number {
  return port === 0 ? 0 : port + QUEUES.indexOf(queue);
}

/** Whether this process can take work. */
export class Readiness {
  #check: () => Promise<void> = () => Promise.reject(new Error('not connected to Temporal yet'));

  /** From now on it is as ready as these are. */
  serving(connection: NativeConnection, worker: QueueWorker): void {
    this.#check = async () => {
      if (!worker.isPolling()) throw new Error('this worker does not ask for work: it starts, or stops');
      await connection.withDeadline(Date.now() + ANSWER_MS, () =>
        connection.workflowService.getSystemInfo({}),
      );
    };
  }

  /** Rejects with why it is not ready. */
  check(): Promise<void> {
    return this.#check();
  }
}

/** Opens the queue's endpoint, and resolves with its URL; `undefined`, with a warning, where it cannot be opened: what is watched is not to fail for the watching. */
export async function openEndpoint(options: {
  queue: Queue;
  listen: Listen;
  metrics: (signal: AbortSignal) => Promise<string>;
  readiness: Readiness;
  log: Log;
}): Promise<string | undefined> {
  const { queue, listen, metrics, readiness, log } = options;
  const { host } = listen;
  const port = portOf(listen, queue);
  try {
    return await serveEndpoint({ host, port, metrics, ready: () => readiness.check() });
  } catch (error) {
    log.warn(
      `no metrics and no health are served: ${(error as Error).message}. Other workers of this machine may use ${host}:${port}; ` +
        'give these another telemetry.metrics.listen (METRICS_LISTEN)',
      { event: 'not_observed' },
    );
    return undefined;
  }
}
