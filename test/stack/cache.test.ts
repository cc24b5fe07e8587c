import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cached } from '../../dev/stack/cache';
import { withLock } from '../../dev/stack/system/lock';

const root = mkdtempSync(join(tmpdir(), 'stack-cache-test-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const onProgress = (): void => undefined;

test('two first runs at once: one makes the part, both get the whole of it', async () => {
  let made = 0;
  const make = async (directory: string): Promise<void> => {
    made++;
    writeFileSync(join(directory, 'half'), '');
    await sleep(100);
    writeFileSync(join(directory, 'whole'), '');
  };
  const entry = { name: 'part-1', root, make, onProgress };
  const directories = await Promise.all([cached(entry), cached(entry), cached(entry)]);
  expect(new Set(directories).size).toBe(1);
  expect(existsSync(join(directories[0] ?? '', 'whole'))).toBe(true);
  expect(made).toBe(1);
});

test('an interrupted run leaves nothing that passes for complete, and the next one starts afresh', async () => {
  const failing = async (directory: string): Promise<void> => {
    writeFileSync(join(directory, 'half'), '');
    await Promise.reject(new Error('interrupted'));
  };
  await expect(cached({ name: 'part-2', root, make: failing, onProgress })).rejects.toThrow('interrupted');
  // One that was killed leaves its lock as well.
  writeFileSync(join(root, 'part-2.lock'), JSON.stringify({ pid: process.pid, startedAt: 'long ago' }));
  const seen: string[][] = [];
  const make = (directory: string): Promise<void> => Promise.resolve(void seen.push(readdirSync(directory)));
  await cached({ name: 'part-2', root, make, onProgress });
  expect(seen).toEqual([[]]);
});

test('a lock lets in one at a time, and outlives no process', async () => {
  const file = join(root, 'locks', 'lock');
  mkdirSync(join(root, 'locks'));
  writeFileSync(file, JSON.stringify({ pid: 999_999_999, startedAt: 'never' }));
  let inside = 0;
  const work = async (): Promise<number> => {
    const now = ++inside;
    expect(readFileSync(file, 'utf8')).toContain(`"pid":${process.pid}`);
    await sleep(20);
    inside--;
    return now;
  };
  expect(await Promise.all([1, 2, 3, 4].map(() => withLock(file, {}, work)))).toEqual([1, 1, 1, 1]);
  expect(readdirSync(join(root, 'locks'))).toEqual([]);
});
