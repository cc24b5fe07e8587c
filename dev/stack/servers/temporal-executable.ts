import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cached, cacheRoot } from '../cache';
import { findExecutable, isExecutable } from '../system/find-executable';
import { runStep } from '../system/run-step';
import { versions } from '../versions';
import { fetchDownload, findDownload } from './temporal-download';

/** go.mod and go.sum: exactly what is built, down to the checksum of each module. */
const recipeDirectory = join(dirname(__dirname), 'temporal');

const cacheName = `temporal-cli-${versions.temporalCli}-${process.platform}-${process.arch}`;

/** An executable that needs no building: one that was named or is on the PATH, else the one built earlier. */
export function presentTemporal(): string | undefined {
  const named = process.env['TEMPORAL_CLI'];
  if (named && isExecutable(named)) return named;
  const built = join(cacheRoot(), cacheName, 'temporal');
  return findExecutable('temporal') ?? (existsSync(built) ? built : undefined);
}

/** The `temporal` executable (CLI, server and Web UI in one): downloaded if the site answers, else built by Go. */
export async function installTemporal(logFile: string, onProgress: (line: string) => void): Promise<string> {
  const present = presentTemporal();
  if (present) return present;
  const directory = await cached({
    name: cacheName,
    onProgress,
    async make(target) {
      if (!(await download(target, logFile, onProgress))) await build(target, logFile, onProgress);
    },
  });
  return join(directory, 'temporal');
}

/** Whether it worked; why it did not is told, since building takes minutes. */
async function download(
  target: string,
  logFile: string,
  onProgress: (line: string) => void,
): Promise<boolean> {
  try {
    const found = await findDownload();
    onProgress(`downloading the Temporal server, once: ${found.url}`);
    await fetchDownload(found, target, { logFile, onProgress });
    return true;
  } catch (error) {
    onProgress(`the Temporal server cannot be downloaded (${reasonOf(error)}), so it is built`);
    return false;
  }
}

/** What fetch knows stands in its error's cause. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error ? cause.message : message;
}

async function build(target: string, logFile: string, onProgress: (line: string) => void): Promise<void> {
  const title = 'building the Temporal server, once';
  onProgress(`${title}: takes about 4 minutes on 2 cores`);
  await runStep({
    title,
    command: 'go',
    args: [
      ...['build', '-mod=readonly', '-trimpath', '-ldflags=-s -w'],
      ...['-o', join(target, 'temporal'), 'github.com/temporalio/cli/cmd/temporal'],
    ],
    cwd: recipeDirectory,
    env: { CGO_ENABLED: '0', GOWORK: 'off' }, // no C compiler needed; no workspace of the user's in the way
    logFile,
    onProgress,
  });
}
