import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { relative } from 'node:path/posix';
import type { Fingerprint, Storage } from '../../../../ports';
import { LARGEST_READ, requireName } from '../names';
import { collect, type Bucket } from './bucket';
import type { Scratch } from './scratch';

/** Objects of a bucket below a prefix. */
export class S3Storage implements Storage {
  readonly location: string;
  readonly renames = false;

  constructor(
    private readonly bucket: Bucket,
    private readonly prefix: string,
    private readonly scratch: Scratch,
  ) {
    this.location = `s3://${bucket.name}/${prefix}`;
  }

  get address(): string {
    return this.location;
  }

  locate(name: string): string {
    requireName(name, this.location, { empty: true });
    return name === '' ? this.location : `${this.location}/${name}`;
  }

  nameOf(located: string): string {
    return relative(this.location, located);
  }

  async get(name: string): Promise<Buffer | undefined> {
    return this.bucket.read(this.#key(name), (pieces, bytes) => {
      if (bytes > LARGEST_READ)
        throw new Error(`${this.locate(name)} has ${bytes} bytes, where at most ${LARGEST_READ} are ours`);
      return collect(pieces);
    });
  }

  async head(name: string): Promise<{ bytes: number; isFile: boolean } | undefined> {
    const found = name === '' ? undefined : await this.bucket.head(this.#key(name));
    if (found !== undefined) return { ...found, isFile: true };
    // A name that others go on from is what a directory is elsewhere.
    return (await this.bucket.hasAny(this.#below(name))) ? { bytes: 0, isFile: false } : undefined;
  }

  async fingerprint(name: string): Promise<Fingerprint | undefined> {
    return this.bucket.read(this.#key(name), async (pieces, bytes) => {
      const hash = createHash('sha256');
      for await (const piece of pieces) hash.update(piece);
      return { bytes, sha256: hash.digest('hex') };
    });
  }

  async list(prefix: string): Promise<string[]> {
    const below = this.#below(prefix);
    const keys = await this.bucket.list(below);
    return keys.map((key) => key.slice(below.length).replace(/\/$/, '')).sort();
  }

  withPaths<T>(names: readonly string[], use: (paths: string[]) => Promise<T>): Promise<T> {
    return this.scratch.withPaths(
      names.map((name) => this.#key(name)),
      use,
    );
  }

  async put(name: string, bytes: Uint8Array, options: Parameters<Storage['put']>[2] = {}): Promise<void> {
    const key = this.#key(name);
    if (await this.bucket.putIfAbsent(key, bytes)) return;
    await options.beforeReplacing?.();
    await this.bucket.put(key, bytes);
  }

  /** A request has a length, and is sent again from its beginning: so the file is in memory. Merged files have a target size. */
  async putFile(name: string, path: string): Promise<void> {
    await this.bucket.put(this.#key(name), await readFile(path));
  }

  async putIfAbsent(name: string, bytes: Uint8Array): Promise<boolean> {
    return this.bucket.putIfAbsent(this.#key(name), bytes);
  }

  async move(from: string, to: string): Promise<boolean> {
    for (const name of [from, to]) requireName(name, this.location);
    return Promise.reject(new Error(`${this.location} has no renames: ${from} cannot become ${to}`));
  }

  async link(from: string, to: string): Promise<boolean> {
    for (const name of [from, to]) requireName(name, this.location);
    return Promise.reject(new Error(`${this.location} has no second names: ${from} cannot be ${to}, too`));
  }

  async remove(name: string): Promise<void> {
    await this.bucket.remove(this.#key(name));
  }

  #key(name: string): string {
    requireName(name, this.location);
    return `${this.prefix}/${name}`;
  }

  #below(prefix: string): string {
    requireName(prefix, this.location, { empty: true });
    return prefix === '' ? `${this.prefix}/` : `${this.prefix}/${prefix}/`;
  }
}
