/** One thing that an audit found. */
export interface Finding {
  kind: FindingKind;
  /** The file or entry, relative to the lake's or the quarantine's parent directory. */
  where: string;
  /** What is wrong and what that means. */
  message: string;
}

export type FindingKind =
  | 'entry-missing'
  | 'entry-unreadable'
  | 'entry-changed'
  | 'entry-wrong'
  | 'checkpoint-wrong'
  | 'offsets'
  | 'counts'
  | 'file-missing'
  | 'file-changed'
  | 'file-rows'
  | 'file-unlisted'
  | 'order-twice'
  | 'order-moved'
  | 'left-over'
  | 'in-flight';

/** A lake that was lost has as many problems as files; the first ones tell as much as all. */
const KEPT = 1_000;

/** Collects problems, which make a lake unproved, and notes, which do not. */
export class Findings {
  readonly problems: Finding[] = [];
  readonly notes: Finding[] = [];
  #problemCount = 0;

  /** All problems, also those beyond the ones kept. */
  get problemCount(): number {
    return this.#problemCount;
  }

  problem(kind: FindingKind, where: string, message: string): void {
    this.#problemCount += 1;
    if (this.problems.length < KEPT) this.problems.push({ kind, where, message });
  }

  note(kind: FindingKind, where: string, message: string): void {
    if (this.notes.length < KEPT) this.notes.push({ kind, where, message });
  }
}
