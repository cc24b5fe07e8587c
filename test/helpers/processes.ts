import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as workers from '../../dev/workers';
import type { Workers, WorkersOptions } from '../../dev/workers';
import { servers, type FreshPipeline } from './pipeline';

const ROOT = join(__dirname, '../..');

/** What `npm run build` made of `npm run worker`. */
export const BUILT = 'dist/workers/main.js';

/** `npm run worker` for a pipeline, as an operator runs it; it is killed when the tests' process is gone. */
export function startWorkers(
  pipeline: Pick<FreshPipeline, 'env' | 'directory'>,
  program?: string,
  account?: WorkersOptions['account'],
): Promise<Workers> {
  return workers.startWorkers({
    env: pipeline.env,
    logFile: join(pipeline.directory, 'worker.log'),
    killWithUs: true,
    account,
    ...(program === undefined ? {} : { program }),
  });
}

/** Runs the Temporal CLI as an operator does, and returns what it printed. */
export async function temporalCli(pipeline: FreshPipeline, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(servers().TEMPORAL_CLI, args, {
    env: { ...process.env, ...pipeline.env },
  });
  return stdout;
}

/** Runs `npm run orders -- …`; a failure has `code`, `stdout` and `stderr`. */
export function ordersCli(
  pipeline: Pick<FreshPipeline, 'env'>,
  ...args: string[]
): Promise<{ stdout: string; stderr: string }> {
  return promisify(execFile)(process.execPath, ['--import', 'tsx', 'cli/main.ts', ...args], {
    cwd: ROOT,
    env: { ...process.env, ...pipeline.env },
  });
}

/** Starts both workflows with the commands of the README. */
export async function startWithTemporalCli(pipeline: FreshPipeline): Promise<void> {
  const start = (type: string, id: string) =>
    temporalCli(pipeline, 'workflow', 'start', '--type', type, '--task-queue', id, '--workflow-id', id);
  await start('captureOrders', 'orders-capture');
  await start('landOrders', 'orders-land');
}
