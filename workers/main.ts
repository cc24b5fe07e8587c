/**
 * `npm run worker`: one process per task queue, so that capture and landing each have a core and neither can starve or
 * crash the other. A process that dies is started again; SIGTERM and Ctrl-C stop both in an orderly way.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadSettings } from '../configs/load';
import { loadOtlp } from '../configs/otlp';
import { loadTemporal } from '../configs/temporal';
import { QUEUES, type Queue } from '../domain/names';
import { bundleWorkflows } from './bundle';
import { createLogs } from './logger';
import { sendServed, type Ready } from './served';

/** Time before a process that died is started again: long enough not to spin when Temporal is away. */
const RESTART_MS = 1_000;

async function main(): Promise<void> {
  // Wrong settings are told once, here, and not by every process again and again.
  const log = createLogs(loadSettings().logging, {}).of('worker');
  loadTemporal();
  loadOtlp('metrics');
  loadOtlp('traces');
  const { code } = await bundleWorkflows();
  const children = new Map<Queue, ChildProcess>();
  let stopping = false;

  const stop = () => {
    if (stopping) return;
    stopping = true;
    for (const child of children.values()) child.kill('SIGTERM');
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  const keepRunning = async (queue: Queue) => {
    while (!stopping) {
      const child = fork(join(__dirname, `queue${extname(__filename)}`), [queue, bundleFile(code)]);
      children.set(queue, child);
      child.once('message', (ready: Ready) => sendServed({ queue, pid: child.pid!, ...ready }));
      const end = await new Promise((resolve) =>
        child.once('exit', (status, signal) => resolve(signal ?? status)),
      );
      if (stopping) return;
      log.error('a process of the workers ended; starting it again', {
        event: 'process_ended',
        queue,
        end: String(end),
      });
      await sleep(RESTART_MS);
    }
  };
  await Promise.all(QUEUES.map(keepRunning));
}

/**
 * The bundle as a file for the queues' processes. It is named for its contents, so that a group that is killed, and cannot
 * tidy up, leaves one file a version and not one a start.
 */
function bundleFile(code: string): string {
  const hash = createHash('sha256').update(code).digest('hex').slice(0, 16);
  const path = join(tmpdir(), `orders-stream-workflows-${process.getuid?.() ?? 'user'}-${hash}.js`);
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, code, { mode: 0o600 });
  renameSync(temporary, path);
  return path;
}

main().then(
  () => process.exit(0),
  (error: Error) => {
    console.error(error.message);
    process.exit(1);
  },
);
