/** One task queue in one process; started by main.ts, which names the queue and the bundle. */
import { Runtime } from '@temporalio/worker';
import { version } from '../package.json';
import { loadSettings } from '../configs/load';
import { loadTemporal } from '../configs/temporal';
import type { Queue } from '../domain/names';
import { connectWhenThere } from './connect';
import { createLogs } from './logger';
import { installRuntime } from './exporter';
import { openEndpoint, Readiness } from './health';
import type { Ready } from './served';
import { createQueueWorker } from './serve';
import { startTracing } from './start-tracing';
import { workerTelemetry } from './telemetry';
import { currentIds } from './tracing/scope';

async function main(queue: Queue, codePath: string): Promise<void> {
  const settings = loadSettings();
  const logs = createLogs(settings.logging, { queue }, { ids: currentIds });
  const log = logs.of('worker');
  const { listen } = settings.telemetry.metrics;
  const { read } = await installRuntime(logs.sdk, { scraped: listen !== undefined });
  const temporal = loadTemporal();
  const { namespace, address } = temporal;
  const tracing = await startTracing({
    ratio: settings.telemetry.traces.sample_ratio,
    resource: {
      'service.version': version,
      'process.pid': process.pid,
      'orders.queue': queue,
      'orders.topic': settings.kafka.topic,
      'temporal.namespace': namespace,
    },
    log,
  });
  const telemetry = workerTelemetry(logs, Runtime.instance().metricMeter, tracing);
  const { metrics } = telemetry('worker');
  metrics.set('orders_build_info', 1, { version, node: process.version, queue });
  // What is seen to rise has to have been seen before: losses count from nothing.
  metrics.add('orders_missed_rows_total', 0);
  for (const activity of ['claimMicroBatch', 'landMicroBatch'])
    metrics.add('orders_activity_failures_total', 0, { activity, system: 'kafka', kind: 'DataLoss' });
  const stop = new AbortController();
  process.on('SIGTERM', () => stop.abort());
  // main.ts forwards Ctrl-C as SIGTERM; the terminal's own signal to the group must not end work halfway.
  process.on('SIGINT', () => undefined);
  // If main.ts is killed, its children must not live on unseen.
  process.on('disconnect', () => stop.abort());

  const readiness = new Readiness();
  const endpoint = listen && read && (await openEndpoint({ queue, listen, metrics: read, readiness, log }));
  const connection = await connectWhenThere(temporal, stop.signal, (line) =>
    log.warn(line, { event: 'waiting_for_temporal', address, namespace }),
  );
  if (connection === undefined) return;
  const worker = await createQueueWorker({
    queue,
    settings,
    connection,
    namespace,
    workflows: { codePath },
    telemetry,
    tracing,
    stop: stop.signal,
  });
  readiness.serving(connection, worker);
  log.info('serves its task queue', { event: 'serving', version, namespace, address, endpoint });
  process.send?.({ endpoint } satisfies Ready);
  try {
    await worker.run();
  } finally {
    await tracing?.close();
  }
}

const [queue, codePath] = process.argv.slice(2) as [Queue, string];
main(queue, codePath).then(
  () => process.exit(0),
  (error: Error) => {
    console.error(`worker ${queue}: ${error.message}`);
    process.exit(1);
  },
);
