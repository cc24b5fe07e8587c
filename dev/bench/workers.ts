import { spawn } from 'node:child_process';
import { openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import pidusage from 'pidusage';
import type { Queue } from '../../domain/names';
import type { FreshPipeline } from '../stack/fresh-pipeline';

/** What a worker process used: highest resident memory, and CPU time since it was first looked at. */
interface Usage {
  rssMiB: number;
  cpuSeconds: number;
}

export interface Workers {
  /** Looks at the processes from now on; `stop` says what they used. */
  watch(): { stop(): Promise<Record<Queue, Usage>> };
  stop(): Promise<void>;
}

const SAMPLE_MS = 200;

/** Starts `npm run worker`'s processes for a pipeline and waits until both queues are served. */
export async function startWorkers(pipeline: FreshPipeline): Promise<Workers> {
  const log = join(pipeline.folder, 'worker.log');
  const out = openSync(log, 'a');
  const main = spawn(process.execPath, ['--import', 'tsx', join(__dirname, '../../workers/main.ts')], {
    env: { ...process.env, ...pipeline.env },
    stdio: ['ignore', out, out],
  });
  const pids = await untilReady(log, () => main.exitCode);
  return {
    watch() {
      const usage: Record<Queue, Usage & { first?: number }> = { capture: nothing(), land: nothing() };
      const sample = async () => {
        for (const [queue, pid] of pids) {
          const { memory, ctime } = await pidusage(pid);
          const seen = usage[queue];
          seen.first ??= ctime;
          seen.rssMiB = Math.max(seen.rssMiB, Math.round(memory / 2 ** 20));
          seen.cpuSeconds = Math.round((ctime - seen.first) / 100) / 10;
        }
      };
      const timer = setInterval(() => void sample().catch(() => undefined), SAMPLE_MS);
      const begun = sample();
      return {
        async stop() {
          clearInterval(timer);
          await begun;
          await sample();
          for (const seen of Object.values(usage)) delete seen.first;
          return usage;
        },
      };
    },
    async stop() {
      main.kill('SIGTERM');
      if (main.exitCode === null) await new Promise((resolve) => main.once('exit', resolve));
    },
  };
}

function nothing(): Usage & { first?: number } {
  return { rssMiB: 0, cpuSeconds: 0 };
}

async function untilReady(log: string, exitCode: () => number | null): Promise<Map<Queue, number>> {
  for (;;) {
    const text = readFileSync(log, 'utf8');
    const found = [...text.matchAll(/^worker (capture|land) \(pid (\d+)\) serves/gm)];
    if (found.length === 2) return new Map(found.map(([, queue, pid]) => [queue as Queue, Number(pid)]));
    if (exitCode() !== null) throw new Error(`the workers did not start:\n${text}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
