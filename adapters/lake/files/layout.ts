/** Names in the lake. Everything here is a function of its input: no file is touched. */
import { createHash } from 'node:crypto';
import type { BatchIdentity } from '../../../ports';
import { formatTimestamp } from '../../../domain/watermark';
import { LEDGER_DIRECTORY, padSequence } from '../storage';

/** In the ledger's directory: the offsets at which the lake began. */
export const BEGINNING = `${LEDGER_DIRECTORY}/begin`;

/** In the directory of the ledger: what the lake is known by, see identity.ts. No `.json`, so that readers of `*.json` see entries only. */
export const ID_FILE = `${LEDGER_DIRECTORY}/id`;

/** In lake and quarantine: files that no entry lists and that an operator did not want to lose. Skipped by readers. */
export const ASIDE_DIRECTORY = '_aside';

const DAY_MICROS = 86_400_000_000n;

/** The day asked for last: rows come in time order, and formatting each row's date was an eighth of a landing's CPU time. */
let lastDay = { from: 0n, to: 0n, directory: '' };

/** `date=2025-11-18`, the UTC day of microseconds since 1970 in the years 1 to 9999. */
export function dateDirectory(micros: bigint): string {
  if (micros < lastDay.from || micros >= lastDay.to) {
    const intoDay = ((micros % DAY_MICROS) + DAY_MICROS) % DAY_MICROS;
    const from = micros - intoDay;
    lastDay = { from, to: from + DAY_MICROS, directory: `date=${formatTimestamp(from).slice(0, 10)}` };
  }
  return lastDay.directory;
}

export const DATE_DIRECTORY = /^date=\d{4}-\d\d-\d\d$/;

/**
 * `part-0000000042-1a2b3c4d5e6f.parquet`: a batch has one file a directory, so sequence and ranges, in whatever order or padding
 * they are given, name it.
 *
 * @param content hash of its bytes, where two attempts must not write different ones under one name
 */
export function partName({ sequence, ranges }: BatchIdentity, content = ''): string {
  const hash = createHash('sha256').update(canonicalRanges(ranges) + content);
  return `part-${padSequence(sequence)}-${hash.digest('hex').slice(0, 12)}.parquet`;
}

/** The same form for files that were merged: the highest number among the batches that it holds rows of, and the hash of its own bytes. */
export function mergedName(sequence: number, sha256: string): string {
  return `part-${padSequence(sequence)}-${sha256.slice(0, 12)}.parquet`;
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

/** Whether it is the name of a part file below its lake or quarantine, with its directory. */
export function isPartPath(path: string): boolean {
  const [directory = '', name = '', ...more] = path.split('/');
  return more.length === 0 && DATE_DIRECTORY.test(directory) && PART.test(name);
}

/** The `date=…` directory in the path of a part file. */
export function dateOf(path: string): string {
  return path.slice(0, path.indexOf('/'));
}

/** The sequence in the path of a part file; `undefined` for any other path. */
export function sequenceOfPath(path: string): number | undefined {
  return sequenceOfPart(nameOf(path));
}

function nameOf(path: string): string {
  return path.slice(path.indexOf('/') + 1);
}

/** The name of a part file of a replay until the ledger entry `sequence` makes it the batch's; skipped by readers. */
export function hiddenName(name: string, sequence: number): string {
  return `.${name}.r${padSequence(sequence)}`;
}

/** The path of a merged file until its ledger entry takes the place of those it was made of; skipped by readers. */
export function hiddenMergedPath(path: string): string {
  return `${dateOf(path)}/.${nameOf(path)}.merged`;
}

/** Beside the files that are being merged into this one: no Parquet, and listed by readers, which fail at it; see swap.ts. */
export function markerPath(path: string): string {
  return path.replace(/\.parquet$/, '-merging.parquet');
}

const MARKER = /^part-\d{10}-[0-9a-f]{12}-merging\.parquet$/;

export function isMarker(name: string): boolean {
  return MARKER.test(name);
}

const HIDDEN = /^\.part-\d{10}-[0-9a-f]{12}\.parquet\.(?:r\d{10}|merged)$/;

export function isHidden(name: string): boolean {
  return HIDDEN.test(name);
}

const LEDGER_ENTRY = /^(\d{10})\.json$/;

/** `_ledger/0000000042.json`. */
export function entryName(sequence: number): string {
  return `${LEDGER_DIRECTORY}/${padSequence(sequence)}.json`;
}

/** The sequence in a ledger entry's name, without its directory; `undefined` for any other name. */
export function sequenceOfEntry(name: string): number | undefined {
  const match = LEDGER_ENTRY.exec(name);
  return match === null ? undefined : Number(match[1]);
}

/** What the entries up to one come to, see checkpoint.ts, and old entries, a thousand a file, see segments.ts. */
export const CHECKPOINTS = `${LEDGER_DIRECTORY}/checkpoints`;
export const SEGMENTS = `${LEDGER_DIRECTORY}/segments`;

/** `_ledger/checkpoints/0000042000.json.gz`. */
export function checkpointName(sequence: number): string {
  return `${CHECKPOINTS}/${padSequence(sequence)}.json.gz`;
}

/** The entry of a checkpoint's name, without its directory; `undefined` for any other name. */
export function sequenceOfCheckpoint(name: string): number | undefined {
  const match = /^(\d{10})\.json\.gz$/.exec(name);
  return match === null ? undefined : Number(match[1]);
}

/** `_ledger/segments/0000000001-0000001000.json.gz`. */
export function segmentName(first: number, entries: number): string {
  return `${SEGMENTS}/${padSequence(first)}-${padSequence(first + entries - 1)}.json.gz`;
}

/** The first and the last entry in a segment's name, without its directory; `undefined` for any other name. */
export function rangeOfSegment(name: string): [first: number, last: number] | undefined {
  const match = /^(\d{10})-(\d{10})\.json\.gz$/.exec(name);
  return match === null ? undefined : [Number(match[1]), Number(match[2])];
}
