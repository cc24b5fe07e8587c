/** Looks whether the files that count are still there, a few at a time, so that status tells without an audit. */
import type { LakePart, LakeStorage, LiveFile } from '../../../ports';
import type { DamagedFile } from '../../../domain/damaged';
import { damagedFile } from './damaged-file';
import type { LakeLog } from './lake-log';
import { PARTS } from './log-state';

/** A stat() each: a millisecond of a core in all. 20,000 files are gone round in a quarter of an hour. */
const FILES_A_STEP = 25;
/** Steps are asked for at each claim, of which a busy landing makes several a second. */
const STEP_EVERY_MS = 1_000;

/** Goes round the files that count. Its place is in this process alone: another worker begins anew, which does no harm. */
export class Patrol {
  #last = 0;
  /** Of the date it is in, those that it has not seen. */
  #waiting: { kind: LakePart; file: LiveFile }[] = [];
  #date = '';

  constructor(
    private readonly storage: LakeStorage,
    private readonly log: LakeLog,
  ) {}

  /**
   * @param newest number of the ledger's last entry
   * @returns files that are missing or of another size, among the next ones
   */
  async step(newest: number): Promise<DamagedFile[]> {
    if (Date.now() - this.#last < STEP_EVERY_MS) return [];
    this.#last = Date.now();
    await this.log.state(newest);
    const damaged: DamagedFile[] = [];
    for (const { kind, file } of await this.#next()) {
      const found = await this.storage[kind].head(file.path);
      if (found?.bytes === file.bytes && found.isFile) continue;
      // A replay or a merge may have replaced it while it was looked at.
      await this.log.state();
      if (this.log.counts(kind, file)) damaged.push(damagedFile(this.storage[kind], file, found));
    }
    return damaged;
  }

  /** The next files that count; once round ends the step. */
  async #next(): Promise<{ kind: LakePart; file: LiveFile }[]> {
    const state = await this.log.state();
    const dates = [...new Set([...state.lake.keys(), ...state.quarantine.keys()])].sort();
    const files: { kind: LakePart; file: LiveFile }[] = [];
    for (let turns = 0; files.length < FILES_A_STEP && turns <= dates.length;) {
      const one = this.#waiting.shift();
      if (one === undefined) {
        turns += 1;
        this.#date = dates.find((date) => date > this.#date) ?? dates[0] ?? '';
        for (const kind of PARTS)
          for (const file of state[kind].get(this.#date)?.values() ?? []) this.#waiting.push({ kind, file });
      } else if (this.log.counts(one.kind, one.file)) files.push(one);
    }
    return files;
  }
}
