/** Looks whether the files that the ledger lists are still there, a few at a time, so that status tells without an audit. */
import type { LakeStorage, LedgerEntry } from '../../../ports';
import type { DamagedFile } from '../../../domain/damaged';
import { readEntry, UnreadableEntry } from './ledger';
import { presentBatches } from './ledger-walk';

/** An entry is a small read and a stat() a file: some 10 ms of a core in all. 20,000 batches are gone round in a quarter of an hour. */
const ENTRIES_A_STEP = 25;
/** Steps are asked for at each claim, of which a busy landing makes several a second. */
const STEP_EVERY_MS = 1_000;

/** Goes round the ledger. Its place is in this process alone: another worker begins anew, which does no harm. */
export class Patrol {
  #at = 0;
  #last = 0;
  /** Entries whose files are those of a later entry, as a mismatch has shown. */
  readonly #superseded = new Set<number>();

  constructor(private readonly storage: LakeStorage) {}

  /**
   * @param newest number of the ledger's last entry
   * @returns files that are missing or of another size, among those of the next entries
   */
  async step(newest: number): Promise<DamagedFile[]> {
    if (Date.now() - this.#last < STEP_EVERY_MS) return [];
    this.#last = Date.now();
    const damaged: DamagedFile[] = [];
    for (let left = Math.min(ENTRIES_A_STEP, newest); left > 0; left -= 1) {
      this.#at = this.#at >= newest ? 1 : this.#at + 1;
      if (!this.#superseded.has(this.#at)) damaged.push(...(await this.#entry(this.#at)));
    }
    return damaged;
  }

  async #entry(sequence: number): Promise<DamagedFile[]> {
    const entry = await readEntry(this.storage.lake, sequence).catch((error: unknown) => {
      if (error instanceof UnreadableEntry) return undefined; // the audit's to tell
      throw error;
    });
    if (entry === undefined) return [];
    const batch = entry.supersedes ?? sequence;
    const damaged = await this.#damaged(entry, batch);
    if (damaged.length === 0) return [];
    if ((await presentBatches(this.storage.lake)).get(batch)?.entry === sequence) return damaged;
    this.#superseded.add(sequence);
    return [];
  }

  async #damaged(
    { files, quarantineFiles }: Pick<LedgerEntry, 'files' | 'quarantineFiles'>,
    batch: number,
  ): Promise<DamagedFile[]> {
    const damaged: DamagedFile[] = [];
    for (const [root, listed] of [
      [this.storage.lake, files],
      [this.storage.quarantine, quarantineFiles],
    ] as const) {
      for (const { path, bytes, sha256 } of listed) {
        const file = root.locate(path);
        const found = await root.head(path);
        if (found?.bytes === bytes) continue;
        const problem =
          found === undefined
            ? 'is missing'
            : `has ${found.bytes} bytes, the ledger says ${bytes} bytes: it was changed`;
        damaged.push({ file, batch, problem, listed: { bytes, sha256 } });
      }
    }
    return damaged;
  }
}
