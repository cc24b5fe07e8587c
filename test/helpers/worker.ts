import { existsSync, writeFileSync } from 'node:fs';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { commonBehaviour } from '../../activities/interceptor';
import { NO_METRICS } from '../../ports';
import { bundleWorkflows } from '../../workers/bundle';
import { historySinks } from '../../workers/history';
import { servers } from './pipeline';

let installed = false;

/** The workflows' bundle, made once a test run. */
export async function testBundle(): Promise<{ codePath: string }> {
  const codePath = process.env['ORDERS_TEST_BUNDLE'];
  if (codePath === undefined) throw new Error('the global set-up names the bundle');
  if (!existsSync(codePath)) writeFileSync(codePath, (await bundleWorkflows()).code);
  return { codePath };
}

/** Temporal's SDK logs every state of every worker; only its errors are news in a test. */
export function quietRuntime(): void {
  if (!installed)
    Runtime.install({
      logger: new DefaultLogger('ERROR'),
      shutdownSignals: [],
      telemetryOptions: { logging: { filter: 'OFF' } },
    });
  installed = true;
}

/** Runs `work` while a worker in this process serves a queue of a namespace with these activities. */
export async function withWorker<T>(
  options: { namespace: string; taskQueue: string; activities: object },
  work: () => Promise<T>,
): Promise<T> {
  quietRuntime();
  const connection = await NativeConnection.connect({ address: servers().TEMPORAL_ADDRESS });
  const worker = await Worker.create({
    ...options,
    connection,
    workflowBundle: await testBundle(),
    interceptors: { activity: [commonBehaviour] },
    sinks: historySinks(NO_METRICS),
    maxHeartbeatThrottleInterval: '1s',
  });
  try {
    return await worker.runUntil(work);
  } finally {
    await connection.close();
  }
}
