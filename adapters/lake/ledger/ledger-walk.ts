/** All entries of a ledger, one after the other, whether folded into segments or not. Reads only. */
import { z } from 'zod';
import type { LedgerEntry, Storage } from '../../../ports';
import { OddFile } from '../../shared/small-file';
import { entryName, segmentName, sha256, sequenceOfEntry } from '../files';
import { LEDGER_DIRECTORY } from '../storage';
import { ENTRY } from './entry';
import { firstOfSegment, readSegment, segmentsIn, UnreadableSegment } from './segments';
import { SEGMENT_ENTRIES } from './sizes';

/** One entry of the ledger, or why it is none. */
export interface LedgerStep {
  /** The number in its name. */
  sequence: number;
  /** `_ledger/0000000042.json`, also where it is folded. */
  path: string;
  /** Hex, of its bytes: what the entry after it must hold as `previousHash`. */
  sha256: string;
  entry?: LedgerEntry;
  error?: string;
}

/**
 * The entries after this number in the order of their numbers, a segment in memory at a time. Gaps are the caller's to notice.
 * Entries may be folded meanwhile.
 */
export async function* walkLedger(lake: Storage, after = 0): AsyncGenerator<LedgerStep> {
  // Names first: what is taken away after this is in a segment by then.
  const names = await lake.list(LEDGER_DIRECTORY);
  const segments = new Set(await segmentsIn(lake));
  for (const first of segments) {
    if (first + SEGMENT_ENTRIES - 1 > after) yield* walkSegment(lake, first, after);
  }
  for (const name of names) {
    const sequence = sequenceOfEntry(name);
    if (sequence === undefined || sequence <= after || segments.has(firstOfSegment(sequence))) continue;
    const step = await stepOf(lake, sequence);
    if (step !== undefined) yield step;
  }
}

async function* walkSegment(lake: Storage, first: number, after: number): AsyncGenerator<LedgerStep> {
  const entries = await readSegment(lake, first).catch((error: unknown) => {
    if (error instanceof UnreadableSegment) return error;
    throw error;
  });
  if (entries instanceof UnreadableSegment) {
    const path = segmentName(first, SEGMENT_ENTRIES);
    yield { sequence: first, path, sha256: '', error: entries.message };
    return;
  }
  for (const [index, bytes] of (entries ?? []).entries()) {
    const sequence = first + index;
    if (sequence > after)
      yield { sequence, path: entryName(sequence), sha256: sha256(bytes), ...parseEntry(bytes) };
  }
}

/** `undefined` for an entry that is not there. */
export async function stepOf(lake: Storage, sequence: number): Promise<LedgerStep | undefined> {
  const path = entryName(sequence);
  const bytes = await entryBytes(lake, sequence).catch((error: unknown) => {
    if (error instanceof OddFile || error instanceof UnreadableSegment) return error;
    throw error;
  });
  if (bytes instanceof Error) return { sequence, path, sha256: '', error: bytes.message };
  // Taken away since it was listed: a gap, as if it had not been there.
  if (bytes === undefined) return undefined;
  return { sequence, path, sha256: sha256(bytes), ...parseEntry(bytes) };
}

/** An entry as it was written; `undefined` where there is none. Throws OddFile, and UnreadableSegment where it is folded. */
export async function entryBytes(lake: Storage, sequence: number): Promise<Buffer | undefined> {
  const single = await lake.get(entryName(sequence));
  if (single !== undefined) return single;
  const first = firstOfSegment(sequence);
  return (await readSegment(lake, first))?.[sequence - first];
}

export function parseEntry(bytes: Buffer): { entry: LedgerEntry } | { error: string } {
  try {
    return { entry: ENTRY.parse(JSON.parse(bytes.toString())) };
  } catch (error) {
    return {
      error: error instanceof z.ZodError ? z.prettifyError(error).replaceAll('\n', ' ') : String(error),
    };
  }
}

/** What stands in the place of an entry and is none says nothing. */
export function oddAsAbsent(error: unknown): undefined {
  if (error instanceof OddFile) return undefined;
  throw error;
}
