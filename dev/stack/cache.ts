import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { withLock } from './system/lock';

/** Where built and downloaded parts are kept: outside the checkout, so that a fresh clone starts in seconds. */
export function cacheRoot(): string {
  const base = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  return join(base, 'orders-stream');
}

export interface CacheEntry {
  /** Directory name with everything in it that the content depends on: version, platform, hash of the recipe. */
  name: string;
  root?: string;
  /** Fills the empty directory it is given. */
  make: (directory: string) => Promise<void>;
  onProgress: (line: string) => void;
}

/**
 * The directory of that name in the cache, made if it is not there yet. It appears by a rename when it is complete,
 * so what an interrupted build leaves behind is never taken for it; of two first runs, one builds, one waits.
 */
export async function cached(entry: CacheEntry): Promise<string> {
  const { name, root = cacheRoot(), make, onProgress } = entry;
  const directory = join(root, name);
  if (existsSync(directory)) return directory;
  mkdirSync(root, { recursive: true });
  const onWait = (pid: number): void => onProgress(`waiting for process ${pid}, which is making ${name}`);
  return withLock(join(root, `${name}.lock`), { onWait }, async () => {
    if (existsSync(directory)) return directory;
    for (const left of readdirSync(root).filter((file) => file.startsWith(`.making-${name}`))) {
      rmSync(join(root, left), { recursive: true });
    }
    const making = join(root, `.making-${name}`);
    mkdirSync(making);
    await make(making);
    renameSync(making, directory);
    return directory;
  });
}
