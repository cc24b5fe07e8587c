import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually, servers, type FreshPipeline } from './pipeline';

/** On a quiet machine it takes 4 s. */
const READY_WITHIN_MS = 60_000;

const ROOT = join(__dirname, '../..');

/** `npm run worker` as a process group of its own, as an operator runs it. */
export interface WorkerGroup {
  log(): string;
  /** SIGTERM, as a deployment sends it; resolves with milliseconds until all had ended. */
  stop(): Promise<number>;
  /** SIGKILL to the whole group: nothing gets a chance to tidy up. */
  kill(): Promise<void>;
  /** SIGKILL to the process that minds the others, and to it alone. */
  killMain(): Promise<void>;
}

/** A start takes seconds of a core, so that many at once would each take too long. */
let lastStart: Promise<unknown> = Promise.resolve();

/** What `npm run worker` starts, or what `npm run build` made of it. */
const FROM_SOURCE = ['--import', 'tsx', 'workers/main.ts'];
export const BUILT = ['dist/workers/main.js'];

export function startWorkers(pipeline: FreshPipeline, program = FROM_SOURCE): Promise<WorkerGroup> {
  const started = lastStart.then(() => start(pipeline, program));
  lastStart = started.catch(() => undefined);
  return started;
}

async function start(pipeline: FreshPipeline, program: string[]): Promise<WorkerGroup> {
  const path = join(pipeline.folder, 'worker.log');
  const out = openSync(path, 'w');
  const child = spawn(process.execPath, program, {
    cwd: ROOT,
    detached: true,
    env: { ...process.env, ...pipeline.env },
    stdio: ['ignore', out, out],
  });
  closeSync(out);
  const watch = killWithUs(child.pid!);
  child.once('exit', () => watch.kill('SIGKILL'));
  const log = () => readFileSync(path, 'utf8');
  const kill = async () => {
    try {
      // The group outlives its first process if that was killed alone.
      process.kill(-child.pid!, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
    await ended(child);
  };
  try {
    await eventually(() => {
      if ((log().match(/^worker \w+ \(pid \d+\) serves/gm) ?? []).length < 2)
        throw new Error(`workers not ready:\n${log()}`);
    }, READY_WITHIN_MS);
  } catch (error) {
    await kill();
    throw error;
  }
  return {
    log,
    async stop() {
      const begun = Date.now();
      child.kill('SIGTERM');
      await ended(child);
      return Date.now() - begun;
    },
    kill,
    async killMain() {
      child.kill('SIGKILL');
      await ended(child);
    },
  };
}

/** Kills a process group when this process is gone, however it went: the watcher's standard input ends then. */
function killWithUs(group: number): ChildProcess {
  const watch = spawn('sh', ['-c', 'read -r _; kill -s KILL -- "-$0"', String(group)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  watch.unref();
  (watch.stdin as unknown as { unref(): void }).unref();
  return watch;
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise((resolve) => child.once('exit', resolve));
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
