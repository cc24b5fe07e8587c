/** The log of a lake in this process: what its entries come to, kept in memory, and what was added to them since. Reads only. */
import type { LakePart, LiveFile, Storage } from '../../../ports';
import { entryName, sha256 } from '../files';
import { checkpointOf, checkpointsIn, readCheckpoint, stateOf, type Checkpoint } from './checkpoint';
import { oddAsAbsent, parseEntry, stepOf, walkLedger, type LedgerStep } from './ledger-walk';
import { apply, emptyState, liveFile, type LogState } from './log-state';

/**
 * Make one for a lake and keep it: the first question reads the newest checkpoint and the entries after it, each later one
 * what came since, mostly nothing. Memory: some 600 bytes for each file that counts.
 */
export class LakeLog {
  #state = emptyState();
  /** Of the last entry that was applied; by it a ledger is noticed that was replaced under this process. */
  #hash = '';
  /** Entries that are missing or say nothing, and what stood there: their files do not count until they are put back. */
  #gaps = new Map<number, string>();
  #queue: Promise<unknown> = Promise.resolve();

  constructor(private readonly lake: Storage) {}

  /**
   * What the lake holds, all entries included that were there when this was called. Changes with the next call: take what you need
   * before the next await. `atLeast`: an entry that the caller knows of.
   */
  async state(atLeast = 0): Promise<LogState> {
    await this.#caughtUp(atLeast);
    return this.#state;
  }

  /** As {@link state}, for those who must not leave anything out: an entry that is missing or unreadable is an error. */
  async whole(): Promise<LogState> {
    const state = await this.state();
    const [gap] = this.#gaps.keys();
    if (gap === undefined) return state;
    const why = (await stepOf(this.lake, gap))?.error ?? 'it is missing';
    throw new Error(
      `${this.lake.locate(entryName(gap))} is not a ledger entry: ${why}. Look at it with: npm run orders -- audit`,
    );
  }

  /** The files of one date. */
  async filesOf(part: LakePart, date: string, atLeast = 0): Promise<LiveFile[]> {
    const state = await this.state(atLeast);
    return [...(state[part].get(date)?.values() ?? [])];
  }

  /** Whether this very file still counts. */
  counts(part: LakePart, { path, sha256: hash }: Pick<LiveFile, 'path' | 'sha256'>): boolean {
    return liveFile(this.#state[part], path)?.sha256 === hash;
  }

  /** Entries that are missing or unreadable, in order, of those that were asked for. */
  get gaps(): number[] {
    return [...this.#gaps.keys()];
  }

  /** The state to be written; `undefined` where entries are missing or unreadable, or none is there. */
  async checkpoint(): Promise<Checkpoint | undefined> {
    const state = await this.state();
    const isWhole = this.#gaps.size === 0 && state.sequence > 0;
    return isWhole ? checkpointOf(state, this.#hash) : undefined;
  }

  /** One after the other: a question must see what was there before it. */
  #caughtUp(atLeast: number): Promise<void> {
    const next = this.#queue.then(
      () => this.#catchUp(atLeast),
      () => this.#catchUp(atLeast),
    );
    this.#queue = next;
    return next;
  }

  async #catchUp(atLeast: number): Promise<void> {
    const { sequence } = this.#state;
    const bytes = sequence === 0 ? undefined : await this.lake.get(entryName(sequence)).catch(oddAsAbsent);
    if (bytes !== undefined && sha256(bytes) === this.#hash && !(await this.#isMended())) {
      await this.#follow();
      // Beyond a gap there may be more.
      if (this.#state.sequence < atLeast) await this.#walk();
    } else if (bytes === undefined && (await this.#isFolded())) await this.#walk();
    else await this.#begin();
  }

  /** Whether something stands now where nothing could be read, or something else does. */
  async #isMended(): Promise<boolean> {
    for (const [sequence, found] of this.#gaps)
      if (((await stepOf(this.lake, sequence))?.sha256 ?? '') !== found) return true;
    return false;
  }

  /** Whether the last entry has gone into a segment, as old ones do. */
  async #isFolded(): Promise<boolean> {
    const { sequence } = this.#state;
    const step = sequence === 0 ? undefined : await stepOf(this.lake, sequence);
    return step?.sha256 === this.#hash && !(await this.#isMended());
  }

  async #begin(): Promise<void> {
    this.#state = emptyState();
    this.#hash = '';
    this.#gaps.clear();
    const newest = (await checkpointsIn(this.lake)).reverse();
    for (const sequence of newest) {
      const found = await readCheckpoint(this.lake, sequence);
      // Of entries that were lost or changed since, it is no witness.
      if (found === undefined || (await stepOf(this.lake, sequence))?.sha256 !== found.hash) continue;
      this.#state = stateOf(found);
      this.#hash = found.hash;
      break;
    }
    await this.#walk();
  }

  /** By names: also over gaps. */
  async #walk(): Promise<void> {
    for await (const step of walkLedger(this.lake, this.#state.sequence)) {
      const missing = step.sequence - 1;
      if (missing > this.#state.sequence && !this.#gaps.has(missing)) this.#gaps.set(missing, '');
      this.#add(step);
    }
  }

  /** By numbers: a read for each new entry, and one that finds nothing. */
  async #follow(): Promise<void> {
    for (;;) {
      const sequence = this.#state.sequence + 1;
      const bytes = await this.lake.get(entryName(sequence)).catch(oddAsAbsent);
      const parsed = bytes && parseEntry(bytes);
      if (bytes === undefined || parsed === undefined || !('entry' in parsed)) return;
      if (parsed.entry.sequence !== sequence) return;
      this.#add({ sequence, path: entryName(sequence), sha256: sha256(bytes), ...parsed });
    }
  }

  #add(step: LedgerStep): void {
    const { sequence, entry } = step;
    if (entry?.sequence !== sequence) {
      this.#gaps.set(sequence, step.sha256);
      return;
    }
    apply(this.#state, entry);
    this.#hash = step.sha256;
  }
}
