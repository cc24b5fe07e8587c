import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { down, kill, status } from '../../dev/stack';
import { Home } from '../../dev/stack/home';
import { identify, isAlive, withDescendants } from '../../dev/stack/system/process-identity';
import { killProcess, stopProcess } from '../../dev/stack/system/stop-process';

const home = mkdtempSync(join(tmpdir(), 'stack-identity-test-'));
const children: ChildProcess[] = [];
afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(home, { recursive: true, force: true });
});

function start(script: string): number {
  const child = spawn('/bin/sh', ['-c', script], { stdio: 'ignore' });
  children.push(child);
  return child.pid ?? 0;
}

test('a process that was given the pid of a former server is neither shown as it nor stopped', async () => {
  const pid = start('sleep 60');
  const stranger = identify(pid);
  const options = { home, useEnvironment: false };
  for (const stop of [() => kill('kafka', options), () => down(options)]) {
    Home.open(options).update('kafka', { process: { pid, startedAt: 'long ago' } });
    expect((await status(options)).map(({ running }) => running)).toEqual([false, false, false]);
    await stop();
    expect(stranger && isAlive(stranger)).toBe(true);
  }
});

test('a process is killed with its children and grandchildren', async () => {
  const pid = start('sh -c "sleep 60 & sleep 60; true" & sleep 60; true');
  await sleep(200);
  const identity = identify(pid);
  if (!identity) throw new Error('the process did not start');
  const family = withDescendants(identity);
  expect(family.length).toBe(5);
  await killProcess(identity);
  expect(family.filter(isAlive)).toEqual([]);
});

test('a process that ignores the request to stop is killed when the timeout ends', async () => {
  const pid = start('trap "" TERM; while :; do sleep 1; done');
  await sleep(200);
  const identity = identify(pid);
  if (!identity) throw new Error('the process did not start');
  await stopProcess(identity, 'SIGTERM', 300);
  expect(isAlive(identity)).toBe(false);
});
