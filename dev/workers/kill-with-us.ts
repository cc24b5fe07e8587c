import { spawn, type ChildProcess } from 'node:child_process';

/**
 * Kills the child's process group when this process is gone, however it went: the watcher's standard input ends then. It
 * helps where a frozen process of the group would not hear that it is to stop.
 */
export function killWithUs(child: ChildProcess): void {
  const watch = spawn('sh', ['-c', 'read -r _; kill -s KILL -- "-$0"', String(child.pid)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  watch.unref();
  (watch.stdin as unknown as { unref(): void }).unref();
  child.once('exit', () => watch.kill('SIGKILL'));
}
