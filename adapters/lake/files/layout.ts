/** Names in the lake. Everything here is a function of its input: no file is touched. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { BatchIdentity } from '../../../ports';
import { formatTimestamp } from '../../../domain/watermark';

export const LEDGER_FOLDER = '_ledger';

/** In the ledger's folder: the offsets at which the lake began. */
export const BEGINNING = 'begin';

/** In the folder of the ledger: what the lake is known by, see identity.ts. No `.json`, so that readers of `*.json` see entries only. */
export const ID_FILE = 'id';

/** In lake and quarantine: files that no entry lists and that an operator did not want to lose. Skipped by readers. */
export const ASIDE_FOLDER = '_aside';

/** The two folders that hold `date=…` folders, from the configured path. */
export interface LakeFolders {
  lake: string;
  quarantine: string;
  ledger: string;
}

export function foldersOf(path: string): LakeFolders {
  // `orders/` and `orders` are one lake, so both have the quarantine `orders_quarantine`.
  const lake = path.replace(/(?<=.)\/+$/, '');
  return { lake, quarantine: `${lake}_quarantine`, ledger: join(lake, LEDGER_FOLDER) };
}

const DAY_MICROS = 86_400_000_000n;

/** The day asked for last: rows come in time order, and formatting each row's date was an eighth of a landing's CPU time. */
let lastDay = { from: 0n, to: 0n, folder: '' };

/** `date=2025-11-18`, the UTC day of microseconds since 1970 in the years 1 to 9999. */
export function dateFolder(micros: bigint): string {
  if (micros < lastDay.from || micros >= lastDay.to) {
    const intoDay = ((micros % DAY_MICROS) + DAY_MICROS) % DAY_MICROS;
    const from = micros - intoDay;
    lastDay = { from, to: from + DAY_MICROS, folder: `date=${formatTimestamp(from).slice(0, 10)}` };
  }
  return lastDay.folder;
}

export const DATE_FOLDER = /^date=\d{4}-\d\d-\d\d$/;

/** Zero-padded, so that names sort as numbers do; 10 digits are a batch a second for 300 years. */
export function padSequence(sequence: number): string {
  return String(sequence).padStart(10, '0');
}

/** `part-0000000042-1a2b3c4d5e6f.parquet`: a batch has one file a folder, so (sequence, ranges) names it. */
export function partName(batch: BatchIdentity): string {
  return `part-${padSequence(batch.sequence)}-${hashOfRanges(batch)}.parquet`;
}

/** 12 hex digits of the ranges, whatever order or padding they were given in. */
function hashOfRanges({ ranges }: BatchIdentity): string {
  return createHash('sha256').update(canonicalRanges(ranges)).digest('hex').slice(0, 12);
}

/** One text for equal ranges: by partition, keys in order, offsets without leading zeros. */
export function canonicalRanges(ranges: BatchIdentity['ranges']): string {
  const sorted = ranges
    .map(({ partition, from, to }) => ({ partition, from: String(BigInt(from)), to: String(BigInt(to)) }))
    .sort((a, b) => a.partition - b.partition || Number(BigInt(a.from) - BigInt(b.from)));
  return JSON.stringify(sorted);
}

const PART = /^part-(\d{10})-[0-9a-f]{12}\.parquet$/;

/** The sequence in a part file's name; `undefined` for any other name. */
export function sequenceOfPart(name: string): number | undefined {
  const match = PART.exec(name);
  return match === null ? undefined : Number(match[1]);
}

/** In lake and quarantine: a folder for each epoch; in the lake also the record of who took it. See epoch.ts. */
export const STAGING_FOLDER = '_staging';

/** The folder in which an epoch's files are written before they get their names. */
export function stagingOf(root: string, epoch: number): string {
  return join(root, STAGING_FOLDER, padSequence(epoch));
}

/** The record of who took an epoch. */
export function epochName(epoch: number): string {
  return `${padSequence(epoch)}.json`;
}

/** The epoch of a staging folder's name; `undefined` for any other name. */
export function epochOf(name: string): number | undefined {
  return /^\d{10}$/.test(name) ? Number(name) : undefined;
}

/** The epoch in a record's name; `undefined` for any other name. */
export const epochOfRecord = (name: string): number | undefined => sequenceOfEntry(name);

/** The name of a part file of a replay until the ledger entry `sequence` makes it the batch's; skipped by readers. */
export function hiddenName(name: string, sequence: number): string {
  return `.${name}.r${padSequence(sequence)}`;
}

const HIDDEN = /^\.part-\d{10}-[0-9a-f]{12}\.parquet\.r\d{10}$/;

export function isHidden(name: string): boolean {
  return HIDDEN.test(name);
}

const LEDGER_ENTRY = /^(\d{10})\.json$/;

/** The sequence in a ledger entry's name; `undefined` for any other name. */
export function sequenceOfEntry(name: string): number | undefined {
  const match = LEDGER_ENTRY.exec(name);
  return match === null ? undefined : Number(match[1]);
}

/**
 * A name for a file that is being written. It starts with a dot, so Spark and pyarrow skip it, and does not end in
 * `.parquet`, so a glob of DuckDB's skips it too.
 */
export function temporaryName(name: string, unique: string): string {
  return `.${name}.${unique}.tmp`;
}

const TEMPORARY =
  /^(?:\.(?:part-\d{10}-[0-9a-f]{12}\.parquet|\d{10}\.json|_probe_\w+)\.[0-9a-f]{16}\.tmp|_probe_\w+)$/;

const TEMPORARY_PART = /^\.part-(\d{10})-[0-9a-f]{12}\.parquet\.[0-9a-f]{16}\.tmp$/;

/** The batch of a part file that is being written; `undefined` for any other name. */
export function sequenceOfTemporary(name: string): number | undefined {
  const match = TEMPORARY_PART.exec(name);
  return match === null ? undefined : Number(match[1]);
}

/** Whether the name is one of {@link temporaryName} or of a probe; other programs' hidden files are not ours to remove. */
export function isTemporary(name: string): boolean {
  return TEMPORARY.test(name);
}
