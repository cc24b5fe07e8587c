import pidusage from 'pidusage';
import type { Queue } from '../../domain/names';

/** What a worker process used: highest resident memory, and CPU time since it was first looked at. */
interface Usage {
  rssMiB: number;
  cpuSeconds: number;
}

const SAMPLE_MS = 200;

/** Looks at the processes from now on; `stop` says what they used. */
export function watchUsage(pids: ReadonlyMap<Queue, number>): { stop(): Promise<Record<Queue, Usage>> } {
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
}

function nothing(): Usage & { first?: number } {
  return { rssMiB: 0, cpuSeconds: 0 };
}
