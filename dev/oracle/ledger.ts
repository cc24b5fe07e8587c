/** The ledger's own promise: every offset in one batch, every entry chained to the one before. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

/** By partition, as decimal text. */
export type Offsets = Record<string, string>;

/** A file that an entry lists; its path begins at the lake's or the quarantine's root. */
export interface RecordedFile {
  path: string;
  bytes: number;
  sha256: string;
  rows: number;
}

export interface Entry {
  name: string;
  bytes: Buffer;
  entry: WrittenEntry;
}

/** An entry as any program may find it: fields that came later are optional. */
interface WrittenEntry {
  sequence: number;
  previousHash: string;
  ranges: { partition: number; from: string; to: string }[];
  resets?: { to: Offsets }[];
  counts: { read: number; landed: number; duplicate: number; quarantined: number };
  files: RecordedFile[];
  quarantineFiles: RecordedFile[];
  /** The owner's fencing token. */
  epoch?: number;
  /** Why these offsets could not be landed. */
  parked?: { type: string; message: string };
  /** The batch that this entry replays: its files stand in place of that batch's. */
  supersedes?: number;
  /** Files of one date whose rows are in this entry's one file now. It has no offsets and no counts. */
  merged?: { inputs: string[] };
  /** Failed batches after this entry. */
  unlanded?: number[];
}

/** Read as any other program would, not by the code that wrote them: single entries, and before them those in segments. */
export function readLedger(lakePath: string): Entry[] {
  const directory = join(lakePath, '_ledger');
  const found = new Map<string, Buffer>();
  for (const bytes of inSegments(join(directory, 'segments'))) {
    const { sequence } = JSON.parse(bytes.toString()) as WrittenEntry;
    found.set(`${String(sequence).padStart(10, '0')}.json`, bytes);
  }
  for (const name of namesIn(directory))
    if (/^\d+\.json$/.test(name)) found.set(name, readFileSync(join(directory, name)));
  return [...found]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, bytes]) => ({ name, bytes, entry: JSON.parse(bytes.toString()) as WrittenEntry }));
}

/** An entry ends with a brace at the beginning of a line. */
function inSegments(directory: string): Buffer[] {
  return namesIn(directory)
    .filter((name) => /^\d+-\d+\.json\.gz$/.test(name))
    .flatMap((name) => {
      // A byte a character, so that the bytes stay what they are.
      const text = gunzipSync(readFileSync(join(directory, name))).toString('latin1');
      return (text.match(/[^]*?^\}\n?/gm) ?? []).map((one) => Buffer.from(one, 'latin1'));
    });
}

function namesIn(directory: string): string[] {
  return existsSync(directory) ? readdirSync(directory) : [];
}

/** Per batch the entry whose counts hold: the last that is it or replays it. */
export function effective(entries: Entry[]): Entry[] {
  return [
    ...new Map(entries.map((entry) => [entry.entry.supersedes ?? entry.entry.sequence, entry])).values(),
  ];
}

/**
 * @param end the offsets at which the topic's readable part ends
 * @param options.repeats orders were published or read again, by a reset, so some were met that had landed before
 */
export function checkLedger(entries: Entry[], end: Offsets, options: { repeats?: boolean } = {}): string[] {
  const wrong: string[] = [];
  const reached: Offsets = {};
  let previousHash = '';
  let epoch = 0;
  for (const [index, { name, bytes, entry }] of entries.entries()) {
    if (entry.sequence !== index + 1) wrong.push(`ledger: ${name} is number ${index + 1}`);
    if (entry.previousHash !== previousHash) wrong.push(`ledger: ${name} does not follow the one before it`);
    previousHash = createHash('sha256').update(bytes).digest('hex');
    if ((entry.epoch ?? 0) < epoch)
      wrong.push(`ledger: ${name} is of epoch ${entry.epoch ?? 0}, after ${epoch}`);
    epoch = Math.max(epoch, entry.epoch ?? 0);
    if (entry.parked !== undefined && options.repeats !== true)
      wrong.push(`ledger: ${name} failed: ${entry.parked.message}`);
    if (entry.supersedes === undefined) wrong.push(...checkRanges({ name, entry }, reached));
    const { read, landed, duplicate, quarantined } = entry.counts;
    if (read !== landed + duplicate + quarantined) wrong.push(`ledger: the counts of ${name} do not add up`);
    if (duplicate > 0 && options.repeats !== true)
      wrong.push(`ledger: ${name} met ${duplicate} orders that had landed before`);
  }
  for (const batch of entries.at(-1)?.entry.unlanded ?? [])
    wrong.push(`ledger: batch ${batch} is still a failed one`);
  for (const [partition, offset] of Object.entries(end)) {
    const at = reached[partition] ?? '0';
    if (at !== offset) wrong.push(`ledger: partition ${partition} landed to ${at}, the topic has ${offset}`);
  }
  return wrong;
}

/** Each partition goes on where the entry before ended, or where a recorded reset put it. */
function checkRanges({ name, entry }: Omit<Entry, 'bytes'>, reached: Offsets): string[] {
  const wrong: string[] = [];
  for (const { to } of entry.resets ?? []) Object.assign(reached, to);
  for (const { partition, from, to } of entry.ranges) {
    const expected = reached[partition] ?? '0';
    if (from !== expected)
      wrong.push(`ledger: ${name} has partition ${partition} from ${from}, not ${expected}`);
    reached[partition] = to;
  }
  return wrong;
}
