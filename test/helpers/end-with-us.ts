import { spawn } from 'node:child_process';
import { join } from 'node:path';

/** What is to go with this process. */
interface Ours {
  /** Stacks, by their directories. */
  homes?: string[];
  /** A directory, all that is in it, and the stacks whose directories are in it. */
  scratch?: string;
}

/** Ends the stacks and deletes them and the directory when this process has ended, however it ended: interrupted or killed, too. */
export function endWithUs({ homes = [], scratch = '' }: Ours): void {
  const reaper = spawn(
    process.execPath,
    ['--import', 'tsx', join(__dirname, 'reaper.ts'), scratch, ...homes],
    {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
      cwd: join(__dirname, '../..'),
    },
  );
  reaper.unref();
  // The pipe closes when this process ends. It must not keep the process alive itself.
  (reaper.stdin as unknown as { unref(): void }).unref();
}
