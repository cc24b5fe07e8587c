/**
 * Which part files count: those that a ledger entry lists and that have the bytes it says. Anybody may have cut a file, or
 * put one of another lake among ours under a name of the same pattern; to take rows of such a file for landed would lose
 * them when it is mended or taken away. Rows that land once more because of it are dropped again by the replay that mends it.
 */
import type { LakeFile, LakePart, LakeStorage, LedgerEntry } from '../../../ports';
import { setAsideCommand, type DamagedFile } from '../../../domain/damaged';
import { codeOf } from '../../shared/error-code';
import type { PartFile } from '../files';
import { readEntry, UnreadableEntry, presentBatches, type Batch } from '../ledger';

/** A part file and what the ledger says of it. */
export interface LiveFile extends PartFile {
  listed: LakeFile;
}

/** Files looked at together; each is one stat() and one small entry. */
const AT_ONCE = 64;

/** Looks files up in the ledger. Entries are read once, so make one for each look-up. */
export class LiveFiles {
  readonly #entries = new Map<number, Promise<LedgerEntry | undefined>>();
  #present: Promise<Map<number, Batch>> | undefined;

  constructor(private readonly storage: LakeStorage) {}

  /** Those of `parts` that count, and what is wrong with the others; a file that is gone is neither. */
  async sort(
    kind: LakePart,
    parts: readonly PartFile[],
  ): Promise<{ live: LiveFile[]; damaged: DamagedFile[] }> {
    const live: LiveFile[] = [];
    const damaged: DamagedFile[] = [];
    for (let at = 0; at < parts.length; at += AT_ONCE) {
      const found = await Promise.all(parts.slice(at, at + AT_ONCE).map((part) => this.#look(kind, part)));
      for (const one of found) {
        if (one === undefined) continue;
        if ('path' in one) live.push(one);
        else damaged.push(one);
      }
    }
    return { live, damaged };
  }

  /** Of files that were live by their size, those whose bytes are not what was written. Reads them whole. */
  async changed(kind: LakePart, files: readonly LiveFile[]): Promise<Map<LiveFile, DamagedFile>> {
    const damaged = new Map<LiveFile, DamagedFile>();
    for (const file of files) {
      const path = this.storage[kind].locate(file.path);
      const found = await named(path, () => this.storage[kind].fingerprint(file.path));
      if (found?.sha256 === file.listed.sha256) continue;
      const { bytes, sha256 } = file.listed;
      damaged.set(file, {
        file: path,
        batch: file.sequence,
        problem: OTHER_BYTES,
        listed: { bytes, sha256 },
      });
    }
    return damaged;
  }

  /** The files of a batch as its last entry lists them: those that are there unchanged, and the others. Reads them whole. */
  async ofBatch(
    batch: number,
  ): Promise<{ whole: { files: LakeFile[]; quarantineFiles: LakeFile[] }; lost: LakeFile[] }> {
    const { files = [], quarantineFiles = [] } = (await this.#batches()).get(batch) ?? {};
    const lost: LakeFile[] = [];
    const wholeOf = async (kind: LakePart, listed: readonly LakeFile[]) => {
      const whole: LakeFile[] = [];
      for (const file of listed) {
        const path = this.storage[kind].locate(file.path);
        const found = await named(path, () => this.storage[kind].fingerprint(file.path));
        (found?.sha256 === file.sha256 ? whole : lost).push(file);
      }
      return whole;
    };
    const whole = {
      files: await wholeOf('lake', files),
      quarantineFiles: await wholeOf('quarantine', quarantineFiles),
    };
    return { whole, lost };
  }

  async #look(kind: LakePart, part: PartFile): Promise<LiveFile | DamagedFile | undefined> {
    const { path, sequence } = part;
    const file = this.storage[kind].locate(path);
    const found = await named(file, () => this.storage[kind].head(path));
    if (found === undefined) return undefined;
    const own = listedIn(kind, await this.#entry(sequence), path);
    if (own !== undefined && found.isFile && found.bytes === own.bytes) return { ...part, listed: own };
    const listed = listedIn(kind, (await this.#batches()).get(sequence), path);
    if (listed === undefined) return { file, batch: sequence, problem: UNLISTED };
    if (found.isFile && found.bytes === listed.bytes) return { ...part, listed };
    const is = found.isFile ? `has ${found.bytes} bytes` : 'is no file';
    const { bytes, sha256 } = listed;
    const problem = `${is}, the ledger says ${bytes} bytes: it was changed`;
    return { file, batch: sequence, problem, listed: { bytes, sha256 } };
  }

  #entry(sequence: number): Promise<LedgerEntry | undefined> {
    let entry = this.#entries.get(sequence);
    if (entry === undefined) {
      entry = readEntry(this.storage.lake, sequence).catch(unreadableAsUndefined);
      this.#entries.set(sequence, entry);
    }
    return entry;
  }

  /** By the whole ledger: only where a batch's own entry does not tell, because it was replayed. */
  #batches(): Promise<Map<number, Batch>> {
    this.#present ??= presentBatches(this.storage.lake);
    return this.#present;
  }
}

/** Those that still are what they were reported for: others were put back, replaced by a replay, or taken away. */
export async function stillDamaged(
  { lake, quarantine }: LakeStorage,
  files: readonly DamagedFile[],
): Promise<DamagedFile[]> {
  const still: DamagedFile[] = [];
  for (const damaged of files) {
    const { file, listed } = damaged;
    // The lake may have been moved since: then it is not there.
    const storage = [lake, quarantine].find((one) => !one.nameOf(file).startsWith('..'));
    const name = storage?.nameOf(file) ?? file;
    const found = await storage?.head(name).catch(() => undefined);
    const mended =
      listed === undefined
        ? found === undefined
        : found?.isFile === true &&
          found.bytes === listed.bytes &&
          (await storage?.fingerprint(name).catch(() => undefined))?.sha256 === listed.sha256;
    if (!mended) still.push(damaged);
  }
  return still;
}

const UNLISTED =
  'is in no entry of the ledger: readers count its rows, and nothing proves where they come from';
const OTHER_BYTES = 'has other contents than the ledger says (SHA-256): it was changed';

function listedIn(
  kind: LakePart,
  entry: Pick<Batch, 'files' | 'quarantineFiles'> | undefined,
  path: string,
): LakeFile | undefined {
  const files = kind === 'lake' ? entry?.files : entry?.quarantineFiles;
  return files?.find((file) => file.path === path);
}

function unreadableAsUndefined(error: unknown): undefined {
  if (error instanceof UnreadableEntry) return undefined;
  throw error;
}

/** What the system refuses may pass (too many open files, a disk that is away), so it says nothing of the file. */
async function named<T>(file: string, look: () => Promise<T>): Promise<T> {
  try {
    return await look();
  } catch (error) {
    const code = codeOf(error);
    if (code === undefined || code === 'ENOENT') throw error;
    throw Object.assign(
      new Error(
        `The lake's file ${file} cannot be read now: ${(error as Error).message}. It is tried again; if its disk has lost it, ` +
          `take it away: ${setAsideCommand(file)}, and land its batch again`,
        { cause: error },
      ),
      { code },
    );
  }
}
