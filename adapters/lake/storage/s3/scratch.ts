/** Copies of objects on this machine, for libraries that read files. */
import { randomBytes } from 'node:crypto';
import { createWriteStream, rmSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Bucket } from './bucket';

/** A day's small files at 200 orders a second have some 700 MB before they are merged; a date that is looked up often stays. */
const MOST_BYTES = 2 ** 30;

/** One file is a request of 20 to 60 ms; a store answers many at once. */
const AT_ONCE = 16;

interface Copy {
  bytes: number;
  /** Who reads it now. */
  users: number;
}

/**
 * Objects never change under their names, so a copy that is there is right. The oldest that nobody reads go first when all
 * together are too large; all go with this process.
 */
export class Scratch {
  /** In the order of their last use. */
  readonly #copies = new Map<string, Copy>();
  readonly #coming = new Map<string, Promise<void>>();
  #directory: Promise<string> | undefined;
  #bytes = 0;

  constructor(
    private readonly bucket: Bucket,
    private readonly mostBytes = MOST_BYTES,
  ) {}

  /** Throws an error with the code ENOENT where an object is missing, as opening a file does. */
  async withPaths<T>(keys: readonly string[], use: (paths: string[]) => Promise<T>): Promise<T> {
    const held: Copy[] = [];
    try {
      const paths: string[] = [];
      for (let at = 0; at < keys.length; at += AT_ONCE) {
        const some = keys.slice(at, at + AT_ONCE);
        // All are waited for: a copy that comes later than the error is nobody's.
        const outcomes = await Promise.allSettled(some.map((key) => this.#hold(key, held)));
        for (const outcome of outcomes) {
          if (outcome.status === 'rejected') throw outcome.reason;
          paths.push(outcome.value);
        }
      }
      return await use(paths);
    } finally {
      for (const copy of held) copy.users -= 1;
      await this.#evict();
    }
  }

  async #hold(key: string, held: Copy[]): Promise<string> {
    this.#directory ??= ownDirectory();
    const path = join(await this.#directory, key);
    for (;;) {
      const copy = this.#copies.get(key);
      if (copy === undefined) {
        await this.#fetch(key, path);
        continue;
      }
      copy.users += 1;
      // Somebody may clear the temporary directory.
      if ((await stat(path).catch(() => undefined))?.size === copy.bytes) {
        held.push(copy);
        this.#copies.delete(key);
        this.#copies.set(key, copy);
        return path;
      }
      copy.users -= 1;
      if (this.#copies.get(key) === copy) this.#forget(key, copy);
    }
  }

  async #fetch(key: string, path: string): Promise<void> {
    let coming = this.#coming.get(key);
    if (coming === undefined) {
      coming = this.#copy(key, path).finally(() => this.#coming.delete(key));
      this.#coming.set(key, coming);
    }
    await coming;
  }

  async #copy(key: string, path: string): Promise<void> {
    await mkdir(dirname(path), { recursive: true });
    const temporary = `${path}.${randomBytes(8).toString('hex')}.tmp`;
    try {
      const bytes = await this.bucket.read(key, async (pieces, length) => {
        await pipeline(pieces, createWriteStream(temporary));
        return length;
      });
      if (bytes === undefined)
        throw Object.assign(new Error(`s3://${this.bucket.name}/${key} is not there`), { code: 'ENOENT' });
      await rename(temporary, path);
      this.#copies.set(key, { bytes, users: 0 });
      this.#bytes += bytes;
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }

  #forget(key: string, copy: Copy): void {
    this.#copies.delete(key);
    this.#bytes -= copy.bytes;
  }

  async #evict(): Promise<void> {
    const directory = await this.#directory;
    for (const [key, copy] of this.#copies) {
      if (this.#bytes <= this.mostBytes) return;
      if (copy.users > 0) continue;
      this.#forget(key, copy);
      if (directory !== undefined) await rm(join(directory, key), { force: true });
    }
  }
}

async function ownDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'orders-copies-'));
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
