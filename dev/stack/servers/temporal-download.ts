import { createHash } from 'node:crypto';
import { createWriteStream, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { runStep } from '../system/run-step';
import { versions } from '../versions';

/** The project's own releases: an archive a platform, and `checksums.txt` with the SHA-256 of each. */
const RELEASES = `https://github.com/temporalio/cli/releases/download/v${versions.temporalCli}`;

/** A site that does not answer within this time costs more than it saves on a machine without internet. */
const ANSWER_WITHIN_MS = 4_000;

/** A download that stands still for so long is given up; the build takes minutes, but it ends. */
const STALL_MS = 10_000;

const ARCHITECTURES: Partial<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** An archive that is there, and what it must hash to. */
export interface Download {
  url: string;
  sha256: string;
}

/**
 * Asks the download site for this platform's archive. Rejects, with the reason, where it does not answer within seconds or
 * publishes no checksum. `TEMPORAL_DOWNLOAD` names another site with the same files.
 */
export async function findDownload(): Promise<Download> {
  const site = process.env['TEMPORAL_DOWNLOAD'] || RELEASES;
  const archive = `temporal_cli_${versions.temporalCli}_${process.platform}_${ARCHITECTURES[process.arch] ?? process.arch}.tar.gz`;
  const response = await fetch(`${site}/checksums.txt`, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
  if (!response.ok) throw new Error(`${site} answers ${response.status}`);
  const checksums = await response.text();
  const line = checksums.split('\n').find((one) => one.trim().endsWith(` ${archive}`));
  const sha256 = /^[0-9a-f]{64}\b/.exec(line?.trim() ?? '')?.[0];
  if (sha256 === undefined) throw new Error(`${site} publishes no checksum for ${archive}`);
  return { url: `${site}/${archive}`, sha256 };
}

/** Fetches, checks and unpacks the archive into an empty directory. Rejects, and leaves nothing, where it is not what was published. */
export async function fetchDownload(
  { url, sha256 }: Download,
  directory: string,
  { logFile, onProgress }: { logFile: string; onProgress: (line: string) => void },
): Promise<void> {
  const file = join(directory, 'archive.tar.gz');
  try {
    const found = await save(url, file);
    if (found !== sha256) throw new Error(`${url} has the SHA-256 ${found}, published is ${sha256}`);
    const title = 'unpacking the Temporal server';
    const args = ['-xzf', file, '-C', directory, 'temporal'];
    await runStep({ title, command: 'tar', args, cwd: directory, logFile, onProgress });
  } finally {
    rmSync(file, { force: true });
  }
}

/** Returns the SHA-256 of what was saved. */
async function save(url: string, file: string): Promise<string> {
  const stalled = new AbortController();
  const giveUp = () => stalled.abort(new Error(`${url} sent nothing for ${STALL_MS / 1000} s`));
  const timer = setTimeout(giveUp, STALL_MS);
  const hash = createHash('sha256');
  try {
    const response = await fetch(url, { signal: stalled.signal });
    if (!response.ok || response.body === null) throw new Error(`${url} answers ${response.status}`);
    await pipeline(
      response.body,
      async function* (chunks: AsyncIterable<Uint8Array>) {
        for await (const chunk of chunks) {
          timer.refresh();
          hash.update(chunk);
          yield chunk;
        }
      },
      createWriteStream(file),
    );
    return hash.digest('hex');
  } finally {
    clearTimeout(timer);
  }
}
