/**
 * Which part files count: those that the log lists and that have the bytes it says. Anybody may have cut a file, or
 * put one of another lake among ours under a name of the same pattern; to take rows of such a file for landed would lose
 * them when it is mended or taken away. Rows that land once more because of it are dropped again by the replay that mends it.
 */
import type { LakeFile, LakePart, LakeStorage, LiveFile } from '../../../ports';
import { setAsideCommand, type DamagedFile } from '../../../domain/damaged';
import { codeOf } from '../../shared/error-code';
import { partsOf } from '../files';
import { damagedFile, onlyBatch, PARTS, readEntry, UnreadableEntry, type LakeLog } from '../ledger';

/**
 * Files looked at together, each by a stat(): 5,000 take a tenth of a second of a core, and DuckDB some five times as long to open them.
 */
const AT_ONCE = 64;

/** Whether rows of these batches matter to the caller. */
type Among = (batches: LiveFile['batches']) => boolean;

/** The files of a lake as its log lists them, and what is wrong with them. */
export class LiveFiles {
  constructor(
    private readonly storage: LakeStorage,
    private readonly log: LakeLog,
  ) {}

  /**
   * Those of one date that count, and what is wrong with others; a file that is gone is neither. In a bucket, where each look is a
   * request and nobody sees other files, they are not looked at.
   *
   * @param atLeast an entry that the caller knows of
   */
  async ofDate(
    kind: LakePart,
    date: string,
    among: Among,
    atLeast = 0,
  ): Promise<{ live: LiveFile[]; damaged: DamagedFile[] }> {
    const all = await this.log.filesOf(kind, date, atLeast);
    const files = all.filter(({ batches }) => among(batches));
    if (!this.storage[kind].renames) return { live: files, damaged: [] };
    const { whole, damaged } = await this.present(kind, files);
    return { live: whole, damaged: [...damaged, ...(await this.#strangers(kind, date, among, all))] };
  }

  /** By their size alone: those that are there as listed, and what is wrong with the others; a file that is gone is neither. */
  async present(
    kind: LakePart,
    files: readonly LiveFile[],
  ): Promise<{ whole: LiveFile[]; damaged: DamagedFile[] }> {
    const whole: LiveFile[] = [];
    const damaged: DamagedFile[] = [];
    for (let at = 0; at < files.length; at += AT_ONCE) {
      const some = files.slice(at, at + AT_ONCE);
      const found = await Promise.all(
        some.map(({ path }) => this.#named(kind, path, () => this.storage[kind].head(path))),
      );
      for (const [index, file] of some.entries()) {
        const is = found[index];
        if (is === undefined) continue;
        if (is.isFile && is.bytes === file.bytes) whole.push(file);
        else damaged.push(damagedFile(this.storage[kind], file, is));
      }
    }
    return { whole, damaged };
  }

  /** Those whose bytes are not what was written, or that are gone: `undefined` for these. Reads them whole. */
  async changed(kind: LakePart, files: readonly LiveFile[]): Promise<Map<LiveFile, DamagedFile | undefined>> {
    const changed = new Map<LiveFile, DamagedFile | undefined>();
    for (const file of files) {
      const { path, sha256 } = file;
      const found = await this.#named(kind, path, () => this.storage[kind].fingerprint(path));
      if (found?.sha256 === sha256) continue;
      const isGone =
        found === undefined &&
        (await this.#named(kind, path, () => this.storage[kind].head(path))) === undefined;
      changed.set(file, isGone ? undefined : damagedFile(this.storage[kind], file, 'other bytes'));
    }
    return changed;
  }

  /** The files that hold rows of this batch alone: those that are there unchanged, and the others. Reads them whole. */
  async ofBatch(
    batch: number,
  ): Promise<{ whole: { files: LakeFile[]; quarantineFiles: LakeFile[] }; lost: LakeFile[] }> {
    const own = await this.#own(batch);
    const lost: LakeFile[] = [];
    const wholeOf = async (kind: LakePart) => {
      const changed = await this.changed(kind, own[kind]);
      lost.push(...[...changed.keys()].map(asListed));
      return own[kind].filter((file) => !changed.has(file)).map(asListed);
    };
    const whole = { files: await wholeOf('lake'), quarantineFiles: await wholeOf('quarantine') };
    return { whole, lost };
  }

  /** Rows in those files that are as listed, by their size. */
  async rowsOf(batch: number): Promise<Record<LakePart, number>> {
    const own = await this.#own(batch);
    const rows = { lake: 0, quarantine: 0 };
    for (const kind of PARTS)
      for (const file of (await this.present(kind, own[kind])).whole) rows[kind] += file.rows;
    return rows;
  }

  async #own(batch: number): Promise<Record<LakePart, LiveFile[]>> {
    const state = await this.log.state(batch);
    const own = (kind: LakePart) =>
      [...state[kind].values()].flatMap((date) => {
        const file = date.get(batch);
        return file !== undefined && onlyBatch(file) === batch ? [file] : [];
      });
    return { lake: own('lake'), quarantine: own('quarantine') };
  }

  /** Part files that stand among those that are listed. */
  async #strangers(
    kind: LakePart,
    date: string,
    among: Among,
    all: readonly LiveFile[],
  ): Promise<DamagedFile[]> {
    const listed = new Set(all.map(({ path }) => path));
    const strangers = (await partsOf(this.storage[kind], date)).filter(
      ({ path, sequence }) => !listed.has(path) && among([[sequence, sequence]]),
    );
    const damaged: DamagedFile[] = [];
    for (const { path, sequence } of strangers) {
      if (await this.#isLeaving(path)) continue;
      if ((await this.#named(kind, path, () => this.storage[kind].head(path))) === undefined) continue;
      damaged.push({ file: this.storage[kind].locate(path), batch: sequence, problem: UNLISTED });
    }
    return damaged;
  }

  /** Whether the last entry has merged it, and its removal is not done yet. */
  async #isLeaving(path: string): Promise<boolean> {
    const { sequence } = await this.log.state();
    const last = await readEntry(this.storage.lake, sequence).catch(unreadableAsUndefined);
    return last?.merged?.inputs.includes(path) === true;
  }

  /** What the system refuses may pass (too many open files, a disk that is away), so it says nothing of the file. */
  async #named<T>(kind: LakePart, path: string, look: () => Promise<T>): Promise<T> {
    try {
      return await look();
    } catch (error) {
      const code = codeOf(error);
      if (code === undefined || code === 'ENOENT') throw error;
      const file = this.storage[kind].locate(path);
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

/** What an entry lists of it. */
function asListed({ path, rows, bytes, sha256, first, last }: LiveFile): LakeFile {
  return { path, rows, bytes, sha256, first, last };
}

function unreadableAsUndefined(error: unknown): undefined {
  if (error instanceof UnreadableEntry) return undefined;
  throw error;
}
