/** `npm run worker` as a child with a process group of its own, for demo, benchmarks, torture and tests. */
import { fork, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, statSync } from 'node:fs';
import { dirname, extname, join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { QUEUES, type Queue } from '../../domain/names';
import type { Served } from '../../workers/served';
import { killWithUs } from './kill-with-us';

/** Bundling the workflows and connecting take about 5 s on a small machine. */
const READY_TIMEOUT_MS = 120_000;
/** Of the log, in an error's message. */
const LAST_LINES = 12;

const ROOT = join(__dirname, '../..');

export interface WorkersOptions {
  /** Beside this process's own: which pipeline. */
  env?: Record<string, string>;
  /** The file that gets what they print, after what it holds. */
  logFile: string;
  /** Below the project's directory. Default: from source, and stopped in good order when this process is gone. */
  program?: string;
  /** Another account to run as. */
  account?: { uid: number; gid: number } | undefined;
  /** Whether they are killed at once when this process is gone. */
  killWithUs?: boolean;
}

/** Workers of both queues, and the process that minds them. */
export interface Workers {
  /** The process that serves a queue, or did last: one that dies is started again. */
  readonly pids: ReadonlyMap<Queue, number>;
  /** Where the process that serves a queue has its metrics and health; none where the settings name no address. */
  readonly endpoints: ReadonlyMap<Queue, string>;
  /** Processes that have served a queue so far. */
  readonly starts: number;
  /** Resolves when both queues are served; rejects with the log's last lines if they end before, or within two minutes do not. */
  readonly ready: Promise<void>;
  /** Resolves with the exit code or signal of the process that minds the others. */
  readonly ended: Promise<string>;
  /** What they have printed. */
  log(): string;
  /** An error with the log's last lines. */
  explain(message: string): Error;
  /** SIGTERM, as a deployment sends it; SIGKILL to what has not ended after `timeoutMs`, if given. Resolves with the milliseconds it took. */
  stop(timeoutMs?: number): Promise<number>;
  /** SIGKILL to the whole group: nothing gets a chance to tidy up. */
  kill(): Promise<void>;
  /** SIGKILL to the process that minds the others, and to it alone. */
  killMain(): Promise<void>;
}

/** A start takes seconds of a core, so that many at once would each take too long. */
let lastStart: Promise<unknown> = Promise.resolve();

/** Launches workers and waits until they serve; what does not is killed. */
export function startWorkers(options: WorkersOptions): Promise<Workers> {
  const started = lastStart.then(async () => {
    const workers = launchWorkers(options);
    try {
      await workers.ready;
    } catch (error) {
      await workers.kill();
      throw error;
    }
    return workers;
  });
  lastStart = started.catch(() => undefined);
  return started;
}

/** As {@link startWorkers}, without the waiting. */
export function launchWorkers(options: WorkersOptions): Workers {
  const { env = {}, logFile, program = 'dev/workers/main.ts' } = options;
  mkdirSync(dirname(logFile), { recursive: true });
  const out = openSync(logFile, 'a');
  const begin = statSync(logFile).size;
  const child = fork(join(ROOT, program), [], {
    cwd: ROOT,
    ...(options.account && { uid: options.account.uid, gid: options.account.gid }),
    detached: true,
    env: { ...process.env, ...env },
    execArgv: extname(program) === '.ts' ? ['--import', 'tsx'] : [],
    stdio: ['ignore', out, out, 'ipc'],
  });
  closeSync(out);
  if (options.killWithUs === true) killWithUs(child);

  const pids = new Map<Queue, number>();
  const endpoints = new Map<Queue, string>();
  let starts = 0;
  const ended = new Promise<string>((resolve) =>
    child.once('exit', (code, signal) => resolve(String(signal ?? code))),
  );
  const log = () => readFileSync(logFile).subarray(begin).toString();
  const explain = (message: string) => explained(message, log(), logFile);
  const served = new Promise<void>((resolve) =>
    child.on('message', ({ queue, pid, endpoint }: Served) => {
      pids.set(queue, pid);
      if (endpoint !== undefined) endpoints.set(queue, endpoint);
      starts += 1;
      if (pids.size === QUEUES.length) resolve();
    }),
  );
  const ready = within(READY_TIMEOUT_MS, [
    served,
    ended.then((how) => Promise.reject(explain(`The workers ended by themselves (${how})`))),
  ]).then((inTime) => {
    if (!inTime) throw explain(`The workers were not ready within ${READY_TIMEOUT_MS / 1000} s`);
  });
  // Whoever waits for it hears of it; nobody has to.
  ready.catch(() => undefined);

  return {
    pids,
    endpoints,
    get starts() {
      return starts;
    },
    ready,
    ended,
    log,
    explain,
    async stop(timeoutMs) {
      const begun = Date.now();
      child.kill('SIGTERM');
      if (timeoutMs === undefined) await ended;
      else if (!(await within(timeoutMs, [ended]))) killGroup(child);
      return Date.now() - begun;
    },
    async kill() {
      killGroup(child);
      await ended;
    },
    async killMain() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Whether one of them resolved in time. */
async function within(timeoutMs: number, promises: Promise<unknown>[]): Promise<boolean> {
  const timer = new AbortController();
  const late = sleep(timeoutMs, false, { signal: timer.signal });
  late.catch(() => undefined);
  try {
    return (await Promise.race([...promises.map((one) => one.then(() => true)), late])) === true;
  } finally {
    timer.abort();
  }
}

function explained(message: string, log: string, logFile: string): Error {
  const lines = log.trimEnd().split('\n').slice(-LAST_LINES);
  const last =
    log.trim() === ''
      ? 'They printed nothing.'
      : `Their last lines:\n${lines.map((line) => `  ${line}`).join('\n')}`;
  return new Error(`${message}. ${last}\nAll of the log: ${relative(process.cwd(), logFile)}`);
}

/** The group outlives its first process if that was killed alone. */
function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
