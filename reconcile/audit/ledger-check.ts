/** The ledger's own promise: entries chained without a gap, every offset in exactly one batch, counts that add up. */
import { isDeepStrictEqual } from 'node:util';
import type { LedgerEntry } from '../../ports';
import { apply, canonicalRanges, emptyState, type LedgerStep } from '../../adapters/lake/reading';
import { checkMerge } from './merge-check';
import { formatRanges, spanOf, type Offsets } from '../../domain/ranges';
import type { FailureCode } from '../../domain/table/table';
import { isOtherTopic } from '../../domain/topic-id';
import type { Findings } from './findings';

/** Takes the entries one after the other and keeps of each what the check of the files needs. */
export class LedgerCheck {
  /** What the entries come to. */
  readonly state = emptyState();
  /** What each batch has, by its own entry or the last replay of it. */
  readonly batches = new Map<number, Pick<LedgerEntry, 'ranges' | 'counts'>>();
  entries = 0;
  replays = 0;
  merges = 0;
  /** Batches whose entry is missing or unreadable, so that nothing says which files are theirs. */
  readonly unproved = new Set<number>();
  /** The last entry that could be read. */
  last: LedgerEntry | undefined;
  firstCommittedAt: string | undefined;
  /** Number of the last entry in the directory. */
  lastSequence = 0;
  /** Per partition where the first batch of the present topic began. */
  begins: Offsets = {};

  #previousHash: string | undefined = '';
  /** The offsets to land next, after the entries so far; `undefined` before the first and after a gap. */
  #next: Offsets | undefined;
  /** The topic that the last entry which names one is of. */
  #topicId: string | undefined;

  constructor(private readonly findings: Findings) {}

  add(step: LedgerStep): void {
    this.#sequence(step);
    this.#chain(step);
    this.entries += 1;
    this.lastSequence = step.sequence;
    const { entry, path, error } = step;
    if (entry === undefined) {
      this.findings.problem(
        'entry-unreadable',
        path,
        `is not a ledger entry (${error}); which offsets and files it proved is unknown. Put back a copy of it. Without one the gap ` +
          'in the proof stays; what to do about its files stands with each of them',
      );
      this.unproved.add(step.sequence);
      this.#next = undefined;
      return;
    }
    if (entry.sequence !== step.sequence) {
      this.findings.problem('entry-wrong', path, `says that it is entry ${entry.sequence}`);
    }
    this.#topic(entry, path);
    if (entry.supersedes === undefined) this.#offsets(entry, path);
    else this.#replay(entry, entry.supersedes, path);
    const change = apply(this.state, entry);
    if (entry.merged === undefined) {
      this.#counts(entry, path);
      const { ranges, counts, supersedes = entry.sequence } = entry;
      this.batches.set(supersedes, { ranges, counts });
    } else {
      this.merges += 1;
      for (const wrong of checkMerge(entry, change)) this.findings.problem('entry-wrong', path, wrong);
    }
    this.#unlanded(entry, path);
    this.firstCommittedAt ??= entry.committedAt;
    this.last = entry;
  }

  /** Batches whose offsets are not in the lake, in order. */
  get parked(): number[] {
    return [...this.state.failed].sort((a, b) => a - b);
  }

  #sequence({ sequence, path }: LedgerStep): void {
    const expected = this.lastSequence + 1;
    if (sequence === expected) return;
    const missing =
      sequence - 1 === expected ? `entry ${expected} is` : `entries ${expected} to ${sequence - 1} are`;
    this.findings.problem(
      'entry-missing',
      path,
      `${missing} missing before it; what was landed there is not proved. Put back a copy. Without one the gap in the proof stays; ` +
        'what to do about the files stands with each of them',
    );
    for (let number = expected; number < sequence; number += 1) this.unproved.add(number);
    this.#previousHash = undefined;
    this.#next = undefined;
  }

  #chain({ path, entry, sha256 }: LedgerStep): void {
    if (
      entry !== undefined &&
      this.#previousHash !== undefined &&
      entry.previousHash !== this.#previousHash
    ) {
      this.findings.problem(
        'entry-changed',
        path,
        this.lastSequence === 0
          ? 'is the first entry but names one before it: the beginning of the ledger is missing'
          : `does not hold the hash of entry ${this.lastSequence}: one of the two was changed after it was written. Put back a copy of it`,
      );
    }
    this.#previousHash = sha256;
  }

  /** Offsets go over to a topic that was recreated by a reset alone; from then on only its own batches are landed again. */
  #topic({ topicId, topicSince = 1, resets = [], supersedes }: LedgerEntry, path: string): void {
    if (supersedes !== undefined && supersedes < topicSince) {
      this.findings.problem(
        'offsets',
        path,
        `lands batch ${supersedes} again, whose offsets are of a topic before the present one`,
      );
    }
    if (isOtherTopic(this.#topicId, topicId)) {
      this.begins = {};
      if (!resets.some((reset) => reset.topicId === topicId)) {
        this.findings.problem(
          'offsets',
          path,
          `is of the topic with the id ${topicId}, those before it of ${this.#topicId}, and no reset says why: what the new ` +
            'topic holds below these offsets was never landed',
        );
      }
    }
    this.#topicId = topicId ?? this.#topicId;
  }

  /** Ranges begin where the entry before ended, or where the last recorded reset went. */
  #offsets(entry: LedgerEntry, path: string): void {
    const { ranges, next, reached } = entry;
    const expected = this.#expected(entry, path);
    for (const { partition, from, to } of ranges) {
      const wanted = expected[partition];
      if (BigInt(to) <= BigInt(from)) {
        this.findings.problem('offsets', path, `partition ${partition} has the empty range ${from} to ${to}`);
      }
      if (wanted !== undefined && wanted !== from) {
        const [gap, a, b] = BigInt(from) > BigInt(wanted) ? [true, wanted, from] : [false, from, wanted];
        this.findings.problem(
          'offsets',
          path,
          `partition ${partition} begins at ${from}, not at ${wanted}: the offsets ${a} to ${BigInt(b) - 1n} were ` +
            (gap ? 'never landed, and no reset says why' : 'landed twice, and no reset says why'),
        );
      }
      this.begins[partition] ??= from;
      expected[partition] = to;
    }
    for (const [partition, offset] of Object.entries(next)) {
      const wanted = expected[partition];
      if (wanted !== undefined && wanted !== offset) {
        this.findings.problem(
          'offsets',
          path,
          `goes on at offset ${offset} of partition ${partition}, not at ${wanted}`,
        );
      }
      if (BigInt(reached[partition] ?? '0') < BigInt(offset)) {
        this.findings.problem(
          'offsets',
          path,
          `lands up to ${offset} of partition ${partition}, beyond what it reached`,
        );
      }
      this.begins[partition] ??= offset;
    }
    this.#next = next;
  }

  /** Where an entry has to begin. Partitions are added to a topic at their first offset, and never taken away. */
  #expected({ next, topicId, resets = [] }: LedgerEntry, path: string): Offsets {
    const last = resets.at(-1);
    const anew = resets.some((reset) => reset.topicId !== undefined && reset.topicId === topicId);
    const expected = { ...(anew ? {} : this.#next), ...last?.to };
    if (this.#next === undefined) return expected;
    for (const partition of Object.keys(next)) expected[partition] ??= '0';
    for (const partition of Object.keys(expected)) {
      if (next[partition] === undefined)
        this.findings.problem(
          'offsets',
          path,
          `says nothing of partition ${partition}, of which those before it do`,
        );
    }
    return expected;
  }

  /** A replay has the ranges of the batch that it lands again, and leaves everything else where it was. */
  #replay(entry: LedgerEntry, supersedes: number, path: string): void {
    this.replays += 1;
    const batch = this.batches.get(supersedes);
    if (batch === undefined) {
      this.findings.problem(
        'entry-wrong',
        path,
        `lands batch ${supersedes} again, which no entry before it is`,
      );
    } else if (canonicalRanges(batch.ranges) !== canonicalRanges(entry.ranges)) {
      this.findings.problem(
        'offsets',
        path,
        `lands batch ${supersedes} again with the offsets ${formatRanges(entry.ranges)}, not its ${formatRanges(batch.ranges)}`,
      );
    }
    if (this.#next !== undefined && !isDeepStrictEqual(entry.next, this.#next)) {
      this.findings.problem(
        'offsets',
        path,
        `lands batch ${supersedes} again, and must not move the offsets to land next`,
      );
    }
  }

  #counts({ counts, ranges, files, quarantineFiles, parked }: LedgerEntry, path: string): void {
    const { read, landed, duplicate, quarantined, failures } = counts;
    const sum = (list: readonly { rows: number }[]) => list.reduce((total, { rows }) => total + rows, 0);
    const wrong = (message: string) => this.findings.problem('counts', path, message);
    if (read !== landed + duplicate + quarantined) {
      wrong(
        `read ${read} messages, but counts ${landed} landed + ${duplicate} duplicate + ${quarantined} quarantined`,
      );
    }
    if (read > spanOf(ranges)) wrong(`read ${read} messages from ${spanOf(ranges)} offsets`);
    if (sum(files) !== landed) wrong(`landed ${landed} rows, but its files have ${sum(files)}`);
    if (sum(quarantineFiles) !== quarantined) {
      wrong(`quarantined ${quarantined} rows, but its files have ${sum(quarantineFiles)}`);
    }
    for (const [code, count] of Object.entries(failures) as [FailureCode, number][]) {
      if (count > quarantined)
        wrong(`counts ${count} rows that break ${code} among ${quarantined} quarantined`);
    }
    if (parked !== undefined && (read > 0 || files.length + quarantineFiles.length > 0)) {
      wrong('has failed, and must have no rows and no files');
    }
  }

  #unlanded({ unlanded = [] }: LedgerEntry, path: string): void {
    const sorted = [...unlanded].sort((a, b) => a - b);
    const found = this.parked;
    if (!isDeepStrictEqual(sorted, found)) {
      this.findings.problem(
        'entry-wrong',
        path,
        `lists the failed batches ${sorted.join(', ') || 'none'}, but the entries say ${found.join(', ') || 'none'}`,
      );
    }
  }
}
