/** What stands in a lake without the ledger's knowledge: in flight, left behind, or put there by somebody. */
import type { Storage } from '../../ports';
import {
  BEGINNING,
  CHECKPOINTS,
  DATE_DIRECTORY,
  ID_FILE,
  isTemporary,
  LEDGER_DIRECTORY,
  SEGMENTS,
  sequenceOfEntry,
  firstCreatedAt,
} from '../../adapters/lake/reading';
import { publishAgainFrom } from '../../domain/data-loss';
import { setAsideCommand } from '../../domain/damaged';
import type { Findings } from './findings';
import type { LedgerCheck } from './ledger-check';

/** The batch in the name of a part file, of a replay's file, or of a temporary file of either or of an entry. */
const SEQUENCE = /^\.?(?:part-)?(\d{10})(?:-[0-9a-f]{12}\.parquet|\.json)/;
const REPLAY = /^\.part-\d{10}-[0-9a-f]{12}\.parquet\.r(\d{10})/;

/** What is beside the entries. */
const OWN = new Set([BEGINNING, ID_FILE, CHECKPOINTS, SEGMENTS]);

/** Checks names that no entry lists. */
export class OrphanCheck {
  constructor(
    private readonly lake: Storage,
    /** What was audited: up to which entry, and those before it that are missing or unreadable. */
    private readonly ledger: Pick<LedgerCheck, 'lastSequence' | 'unproved' | 'last'>,
    private readonly findings: Findings,
  ) {}

  /** @param directory their prefix in the storage; `shown` is how to name it for a person */
  async check(
    { storage, directory }: { storage: Storage; directory: string },
    shown: string,
    names: readonly string[],
  ): Promise<void> {
    if (names.length === 0) return;
    // Read after the names were: whatever was there then is of a batch committed by now, or of the one after it.
    const last = await this.#lastSequence();
    for (const name of names) {
      const path = `${shown}/${name}`;
      const file = directory === '' ? name : `${directory}/${name}`;
      const sequence = Number((REPLAY.exec(name) ?? SEQUENCE.exec(name))?.[1] ?? 0);
      const isHidden = name.startsWith('.') || name.startsWith('_');
      if (sequence > this.ledger.lastSequence && sequence <= last) continue; // landed while the audit ran
      if (sequence > last + 1) {
        this.findings.problem(
          'file-unlisted',
          path,
          `is of batch ${sequence}, but the ledger ends with ${last}: its newer entries are lost. Put them back; without a copy, start ` +
            'the landing, which says what to do: npm run orders -- start',
        );
      } else if (sequence === last + 1) {
        this.findings.note(
          'in-flight',
          path,
          `is of batch ${sequence}, which is not committed: a landing is at work, or died and will write it again`,
        );
      } else if (this.ledger.last?.merged?.inputs.includes(file) === true) {
        this.findings.note(
          'in-flight',
          path,
          `waits to be removed: entry ${this.ledger.last.sequence} has merged it`,
        );
      } else if (isHidden) {
        if (!isTemporary(name) && !REPLAY.test(name)) continue; // another program's; readers skip it
        if ((await storage.head(file)) === undefined) continue;
        this.findings.problem(
          'left-over',
          path,
          'was left by an attempt that died; readers skip it, and landOrders removes it when it is started anew',
        );
      } else if (this.ledger.unproved.has(sequence)) {
        this.findings.problem('file-unlisted', path, await withoutEntry(storage, file, sequence));
      } else {
        this.findings.problem(
          'file-unlisted',
          path,
          `is in no ledger entry: ${harmOf(name)}. Take it away: ${setAsideCommand(storage.locate(file))}`,
        );
      }
    }
  }

  /** The lake's or the quarantine's own directory: other names than dates. */
  async checkRoot(storage: Storage, shown: string): Promise<void> {
    const orphans = (await storage.list('')).filter((name) => !DATE_DIRECTORY.test(name));
    await this.check({ storage, directory: '' }, shown, orphans);
  }

  async checkLedger(): Promise<void> {
    const orphans = (await this.lake.list(LEDGER_DIRECTORY)).filter(
      (name) => !OWN.has(`${LEDGER_DIRECTORY}/${name}`) && sequenceOfEntry(name) === undefined,
    );
    await this.check({ storage: this.lake, directory: LEDGER_DIRECTORY }, LEDGER_DIRECTORY, orphans);
  }

  async #lastSequence(): Promise<number> {
    let last = this.ledger.lastSequence;
    for (const name of await this.lake.list(LEDGER_DIRECTORY)) {
      last = Math.max(last, sequenceOfEntry(name) ?? 0);
    }
    return last;
  }
}

function harmOf(name: string): string {
  return name.endsWith('.parquet')
    ? 'readers count its rows, and nothing proves where they come from'
    : 'readers that take the whole directory, as Spark and pyarrow do, fail on it';
}

/** Its rows are orders all the same, and those of it that are in no other file have to come again. */
async function withoutEntry(storage: Storage, file: string, sequence: number): Promise<string> {
  const first = await firstCreatedAt(storage, file).catch(() => undefined);
  return (
    `is of batch ${sequence}, whose entry is missing or unreadable: readers count its rows, and a rewind would land them again. Put ` +
    `back a copy of the entry. Without one, take the file away: ${setAsideCommand(storage.locate(file))} and publish its orders again, which land ` +
    `in another batch: ${publishAgainFrom(first)}`
  );
}
