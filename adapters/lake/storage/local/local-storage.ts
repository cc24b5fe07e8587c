import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { link, rename as move, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import type { Fingerprint, Storage, StorageWriter } from '../../../../ports';
import { absentWhere, codeOf } from '../../../shared/error-code';
import { readSmallFile } from '../../../shared/small-file';
import {
  copyDurably,
  createDurably,
  makeDirectory,
  moveDurably,
  namesIn,
  syncDirectory,
  writeDurably,
} from './durable-file';
import { orSuperseded, removeFenced, type Roots } from './epoch';
import { LARGEST_READ, requireName } from '../names';
import { sequenceOfAttempt, stagingOf } from './names';
import { requireWithin } from './within';

/** Files below a directory of this machine. */
export class LocalStorage implements Storage {
  readonly location: string;
  readonly renames = true;

  constructor(root: string) {
    this.location = root;
  }

  get address(): string {
    return `${hostname()}:${resolve(this.location)}`;
  }

  locate(name: string): string {
    return resolve(this.#path(name));
  }

  nameOf(located: string): string {
    return relative(resolve(this.location), located);
  }

  async get(name: string): Promise<Buffer | undefined> {
    return absentWhere(ABSENT, readSmallFile(this.#path(name), LARGEST_READ));
  }

  async head(name: string): Promise<{ bytes: number; isFile: boolean } | undefined> {
    const found = await absentWhere(ABSENT, stat(this.#path(name)));
    return found && { bytes: found.size, isFile: found.isFile() };
  }

  async fingerprint(name: string): Promise<Fingerprint | undefined> {
    const found = await this.head(name);
    // Opening a pipe would wait for its writer.
    return found?.isFile === true ? absentWhere(ABSENT, fingerprintOf(this.#path(name))) : undefined;
  }

  async list(prefix: string): Promise<string[]> {
    return namesIn(this.#path(prefix));
  }

  withPaths<T>(names: readonly string[], use: (paths: string[]) => Promise<T>): Promise<T> {
    return use(names.map((name) => this.locate(name)));
  }

  async put(name: string, bytes: Uint8Array, options: Parameters<Storage['put']>[2] = {}): Promise<void> {
    const [directory, base] = await this.#place(name);
    await writeDurably(directory, base, bytes, options);
  }

  async putFile(name: string, path: string): Promise<void> {
    const [directory, base] = await this.#place(name);
    await copyDurably(directory, base, path);
  }

  async putIfAbsent(name: string, bytes: Uint8Array): Promise<boolean> {
    const [directory, base] = await this.#place(name);
    return createDurably(directory, base, bytes);
  }

  async move(from: string, to: string): Promise<boolean> {
    const [source, target] = [fileBelow(this.location, from), fileBelow(this.location, to)];
    for (const path of [source, target]) await requireWithin(this.location, dirname(path));
    const rename = () =>
      absentWhere(
        ABSENT,
        move(source, target).then(() => true),
      );
    let moved = await rename();
    if (moved === undefined && (await this.head(from)) !== undefined) {
      await makeDirectory(dirname(target));
      moved = await rename();
    }
    // Also where an earlier attempt has moved it, and died before this.
    for (const directory of new Set([dirname(target), dirname(source)]))
      await absentWhere(ABSENT, syncDirectory(directory));
    return moved === true;
  }

  async link(from: string, to: string): Promise<boolean> {
    const source = fileBelow(this.location, from);
    const [directory, base] = await this.#place(to);
    const linked = await absentWhere(
      ABSENT,
      link(source, join(directory, base)).then(() => true, onlyTaken),
    );
    await syncDirectory(directory);
    return linked === true;
  }

  async remove(name: string): Promise<void> {
    const path = fileBelow(this.location, name);
    await requireWithin(this.location, dirname(path));
    await absentWhere(ABSENT, rm(path, { force: true }));
  }

  /** The directory, made if it is missing, and the last part of the name. */
  async #place(name: string): Promise<[directory: string, base: string]> {
    const path = fileBelow(this.location, name);
    const directory = dirname(path);
    await requireWithin(this.location, directory);
    await makeDirectory(directory);
    return [directory, path.slice(directory.length + 1)];
  }

  #path(name: string): string {
    return pathBelow(this.location, name);
  }
}

/** Writes by way of an epoch's staging directory, which the next epoch closes, or of one of an attempt within it. */
export class EpochWriter implements StorageWriter {
  constructor(
    private readonly roots: Roots,
    private readonly kind: keyof Roots,
    private readonly epoch: number,
    /** Name of the attempt's directory. */
    private readonly attempt = '',
  ) {}

  async put(name: string, bytes: Uint8Array, options: Parameters<Storage['put']>[2] = {}): Promise<void> {
    return this.#fenced(name, async (directory, base, via) => {
      await makeWithin(via, directory);
      await writeDurably(directory, base, bytes, { via, ...options });
    });
  }

  async putFile(name: string, path: string): Promise<void> {
    return this.#fenced(name, async (directory, base, via) => {
      await makeWithin(via, directory);
      await copyDurably(directory, base, path, { via });
    });
  }

  putIfAbsent(name: string, bytes: Uint8Array): Promise<boolean> {
    return this.#fenced(name, async (directory, base, via) => {
      const create = () => createDurably(directory, base, bytes, { via });
      // The directory is there but for the first time.
      const created = await absentWhere(['ENOENT'], create());
      if (created !== undefined) return created;
      await makeWithin(via, directory);
      return create();
    });
  }

  async move(from: string, to: string): Promise<boolean> {
    const source = fileBelow(this.roots[this.kind], from);
    await requireWithin(this.roots[this.kind], dirname(source));
    return this.#fenced(to, async (directory, base, via) => {
      await stat(via);
      if ((await absentWhere(ABSENT, stat(source))) !== undefined) await makeWithin(via, directory);
      return moveDurably(source, directory, base, via);
    });
  }

  async remove(name: string): Promise<void> {
    const root = this.roots[this.kind];
    const { epoch, via } = this;
    try {
      await removeFenced(fileBelow(root, name), this.roots, root, { epoch, via });
    } catch (error) {
      throw await this.#orLate(error);
    }
  }

  get via(): string {
    return join(stagingOf(this.roots[this.kind], this.epoch), this.attempt);
  }

  async #fenced<T>(
    name: string,
    write: (directory: string, base: string, via: string) => Promise<T>,
  ): Promise<T> {
    const root = this.roots[this.kind];
    const path = fileBelow(root, name);
    const directory = dirname(path);
    for (const one of [directory, this.via]) await requireWithin(root, one);
    try {
      return await write(directory, path.slice(directory.length + 1), this.via);
    } catch (error) {
      throw await this.#orLate(await orSuperseded(error, this.roots, root, this.epoch));
    }
  }

  /** Tells an attempt that was shut out from other reasons why a step failed. Returns the error to throw. */
  async #orLate(error: unknown): Promise<unknown> {
    if (this.attempt === '' || codeOf(error) !== 'ENOENT') return error;
    const open = await absentWhere(ABSENT, stat(this.via));
    if (open !== undefined) return error;
    // Not a non-retryable error: if it were this attempt that counts, nothing would be in the ledger.
    const sequence = sequenceOfAttempt(this.attempt);
    return new Error(
      `Entry ${sequence} of the ledger was written by another attempt; this one came too late, and shows nothing.`,
      { cause: error },
    );
  }
}

/** Where the whole lake is gone, or another landing owns it, no directory is to appear. */
async function makeWithin(via: string, directory: string): Promise<void> {
  await stat(via);
  await makeDirectory(directory);
}

function onlyTaken(error: unknown): boolean {
  if (codeOf(error) !== 'EEXIST') throw error;
  return true;
}

/** What the system says where there is nothing under a name. */
const ABSENT = ['ENOENT', 'ENOTDIR'];

function pathBelow(root: string, name: string): string {
  requireName(name, root, { empty: true });
  return join(root, name);
}

function fileBelow(root: string, name: string): string {
  requireName(name, root);
  return join(root, name);
}

/** Of a file of this machine. */
export async function fingerprintOf(path: string): Promise<Fingerprint> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(path)) {
    hash.update(chunk as Buffer);
    bytes += (chunk as Buffer).length;
  }
  return { bytes, sha256: hash.digest('hex') };
}
