/** A directory whose disk can be filled up and made read-only for real, without rights that a test run may lack. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chmodSync, closeSync, mkdtempSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { eventually } from './pipeline';

export type Trouble = 'full' | 'read-only';

export interface Disk {
  /** Exists and is empty. */
  path: string;
  /** The system error that each trouble gives to a writer; one that is missing cannot be had on this machine. */
  gives: Partial<Record<Trouble, string>>;
  /** @param writer process that is to have the trouble, where it cannot be had for all */
  set(trouble: Trouble, on: boolean, writer: number): Promise<void>;
  dispose(): void;
}

/** Why a trouble cannot be had on this machine. */
export const NOT_HERE: Record<Trouble, string> = {
  full: 'this machine has neither mount namespaces for us (unshare) nor prlimit',
  'read-only':
    'this machine has no mount namespaces for us (unshare), and permission bits do not bind the root user',
};

export function openDisk(): Promise<Disk> {
  const [flags] = [['--user', '--map-root-user', '--mount'], ['--mount']].filter(
    (candidate) =>
      spawnSync('unshare', [...candidate, 'mount', '-t', 'tmpfs', 'tmpfs', tmpdir()]).status === 0,
  );
  return flags === undefined ? Promise.resolve(limitedDirectory()) : smallDisk(flags);
}

/**
 * A tmpfs of its own in a mount namespace. A process in it keeps it there; everybody reaches it through that
 * process's /proc entry, and it is gone with the process, which ends when its standard input does.
 */
async function smallDisk(flags: string[]): Promise<Disk> {
  const directory = mkdtempSync(join(tmpdir(), 'orders-stream-disk-'));
  const script = `mount -t tmpfs -o size=16m tmpfs "$0" && echo ok
    while read -r mode; do mount -o "remount,bind,$mode" "$0" && echo ok || echo busy; done`;
  const keeper = spawn('unshare', [...flags, 'sh', '-c', script, directory], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const lines = createInterface(keeper.stdout)[Symbol.asyncIterator]();
  await lines.next();
  const path = `/proc/${keeper.pid}/root${directory}`;
  const remount = async (mode: 'ro' | 'rw') => {
    // Busy while somebody writes.
    await eventually(async () => {
      keeper.stdin.write(`${mode}\n`);
      expect((await lines.next()).value).toBe('ok');
    });
  };
  return {
    path,
    gives: { full: 'ENOSPC', 'read-only': 'EROFS' },
    async set(trouble, on) {
      if (trouble === 'read-only') await remount(on ? 'ro' : 'rw');
      else if (on) fillUp(join(path, 'everything'));
      else rmSync(join(path, 'everything'));
    },
    dispose: () => end(keeper, directory),
  };
}

function end(keeper: ChildProcess, directory: string): void {
  keeper.stdin?.end();
  rmSync(directory, { recursive: true, force: true });
}

/** Takes all that is left. */
function fillUp(path: string): void {
  const file = openSync(path, 'w');
  try {
    for (let size = 1_048_576; size >= 1;) {
      try {
        writeSync(file, Buffer.alloc(size));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
        size /= 16;
      }
    }
  } finally {
    closeSync(file);
  }
}

/** Room for a worker's log and for the files of small batches, but not for those of {@link LARGE_BATCH} orders. */
const FILE_LIMIT_BYTES = 65_536;
export const LARGE_BATCH = 20_000;

/** The next best: the writer may write no large file, or the directories' permission bits forbid it. */
function limitedDirectory(): Disk {
  const path = mkdtempSync(join(tmpdir(), 'orders-stream-disk-'));
  const limits = spawnSync('prlimit', ['--fsize', '--pid', String(process.pid)]).status === 0;
  const directories = () => [
    path,
    ...readdirSync(path, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(entry.parentPath, entry.name)),
  ];
  return {
    path,
    gives: {
      ...(limits ? { full: 'EFBIG' } : {}),
      ...(process.getuid?.() === 0 ? {} : { 'read-only': 'EACCES' }),
    },
    set(trouble, on, writer) {
      if (trouble === 'read-only')
        for (const directory of directories()) chmodSync(directory, on ? 0o555 : 0o755);
      else
        spawnSync('prlimit', [
          `--fsize=${on ? FILE_LIMIT_BYTES : 'unlimited'}:unlimited`,
          '--pid',
          String(writer),
        ]);
      return Promise.resolve();
    },
    dispose: () => rmSync(path, { recursive: true, force: true }),
  };
}
