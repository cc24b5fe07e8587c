/** One task queue in one process; started by main.ts, which names the queue and the bundle. */
import { Runtime } from '@temporalio/worker';
import { loadSettings } from '../configs/load';
import { loadTemporal } from '../configs/temporal';
import type { Queue } from '../model/names';
import { lineLogger } from './logger';
import { createQueueWorker } from './serve';

async function main(queue: Queue, codePath: string): Promise<void> {
  const settings = loadSettings();
  Runtime.install({
    logger: lineLogger(settings.logging.level),
    shutdownSignals: [],
  });
  const temporal = loadTemporal();
  const worker = await createQueueWorker({ queue, settings, temporal, workflows: { codePath } });
  process.on('SIGTERM', () => worker.stop());
  // main.ts forwards Ctrl-C as SIGTERM; the terminal's own signal to the group must not end work halfway.
  process.on('SIGINT', () => undefined);
  // If main.ts is killed, its children must not live on unseen.
  process.on('disconnect', () => worker.stop());
  console.log(
    `worker ${queue} (pid ${process.pid}) serves namespace ${temporal.namespace} at ${temporal.address}`,
  );
  process.send?.('ready');
  await worker.run();
}

const [queue, codePath] = process.argv.slice(2) as [Queue, string];
main(queue, codePath).then(
  () => process.exit(0),
  (error: Error) => {
    console.error(`worker ${queue}: ${error.message}`);
    process.exit(1);
  },
);
