/** Reads the files of directories in which landing may show a merged file at any time (adapters/lake/writing/swap.ts). */
import { setTimeout as sleep } from 'node:timers/promises';
import { isMarker } from '../files';

/** A swap takes half a second, on a busy machine a few. */
const PATIENCE_MS = 30_000;
const PAUSE_MS = 200;

/**
 * Runs `read` with what `list` finds, and again with what it finds then where files went meanwhile or a marker stands among them. So
 * `read` must have no effect where it throws. An Error where a marker stays: then landing was ended amid a swap.
 *
 * @param list paths of part files and markers, `date=…/…`
 */
export async function readListed<T>(
  list: () => Promise<string[]>,
  read: (paths: string[]) => Promise<T>,
): Promise<T> {
  const until = Date.now() + PATIENCE_MS;
  for (;;) {
    const paths = await list();
    const marker = paths.find((path) => isMarker(path.slice(path.indexOf('/') + 1)));
    if (marker === undefined) {
      try {
        return await read(paths);
      } catch (error) {
        const there = new Set(await list());
        if (Date.now() >= until || paths.every((path) => there.has(path))) throw error;
      }
    } else if (Date.now() >= until) {
      throw new Error(
        `${marker} says that files are being merged, and has for ${PATIENCE_MS / 1000} s: landing was ended meanwhile. Its start ` +
          'completes the merge: npm run orders -- start',
      );
    }
    await sleep(PAUSE_MS);
  }
}
