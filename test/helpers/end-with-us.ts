import { spawn } from 'node:child_process';
import { join } from 'node:path';

/** Destroys the stacks in these folders when this process has ended, however it ended: interrupted or killed, too. */
export function endWithUs(...homes: string[]): void {
  const reaper = spawn(process.execPath, ['--import', 'tsx', join(__dirname, 'reaper.ts'), ...homes], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    cwd: join(__dirname, '../..'),
  });
  reaper.unref();
  // The pipe closes when this process ends. It must not keep the process alive itself.
  (reaper.stdin as unknown as { unref(): void }).unref();
}
