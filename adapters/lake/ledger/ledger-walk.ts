/** All entries of a ledger, one after the other: for those who prove or list what a lake holds. Reads only. */
import { z } from 'zod';
import type { LakeFile, LedgerEntry, Storage } from '../../../ports';
import type { OffsetRange } from '../../../domain/ranges';
import { OddFile } from '../../shared/small-file';
import { sha256, sequenceOfEntry } from '../files';
import { LEDGER_DIRECTORY } from '../storage';
import { ENTRY } from './entry';

/** One file of the ledger: its entry, or why it is none. */
export interface LedgerStep {
  /** The number in its name. */
  sequence: number;
  /** `_ledger/0000000042.json`. */
  path: string;
  /** Hex, of the file's bytes: what the entry after it must hold as `previousHash`. */
  sha256: string;
  entry?: LedgerEntry;
  error?: string;
}

/** The entries in the order of their numbers, one in memory at a time. Gaps are the caller's to notice. */
export async function* walkLedger(lake: Storage): AsyncGenerator<LedgerStep> {
  for (const name of await lake.list(LEDGER_DIRECTORY)) {
    const sequence = sequenceOfEntry(name);
    if (sequence === undefined) continue;
    const path = `${LEDGER_DIRECTORY}/${name}`;
    const bytes = await lake.get(path).catch(oddFile);
    if (bytes instanceof OddFile) {
      yield { sequence, path, sha256: '', error: bytes.message };
      continue;
    }
    if (bytes === undefined) continue; // taken away since it was listed: a gap, as if it had not been there
    yield { sequence, path, sha256: sha256(bytes), ...parseEntry(bytes.toString()) };
  }
}

function oddFile(error: unknown): OddFile {
  if (error instanceof OddFile) return error;
  throw error;
}

function parseEntry(text: string): { entry: LedgerEntry } | { error: string } {
  try {
    return { entry: ENTRY.parse(JSON.parse(text)) };
  } catch (error) {
    return {
      error: error instanceof z.ZodError ? z.prettifyError(error).replaceAll('\n', ' ') : String(error),
    };
  }
}

/** What a batch left in the lake, after all replays of it. */
export interface Batch {
  sequence: number;
  ranges: readonly OffsetRange[];
  /** The entry that holds its present content: its own or the last that supersedes it. */
  entry: number;
  parked: boolean;
  counts: LedgerEntry['counts'];
  files: readonly LakeFile[];
  quarantineFiles: readonly LakeFile[];
}

/** Adds an entry: a batch of its own, or new content for the batch that it supersedes. */
export function addToBatches(batches: Map<number, Batch>, entry: LedgerEntry): void {
  const { sequence, supersedes = sequence, ranges, counts, files, quarantineFiles, parked } = entry;
  batches.set(supersedes, {
    sequence: supersedes,
    ranges,
    entry: sequence,
    parked: parked !== undefined,
    counts,
    files,
    quarantineFiles,
  });
}

/** The batches by number, by the entries that can be read. */
export async function presentBatches(lake: Storage): Promise<Map<number, Batch>> {
  const batches = new Map<number, Batch>();
  for await (const { entry } of walkLedger(lake)) if (entry !== undefined) addToBatches(batches, entry);
  return batches;
}

/** The batches by number, and the last entry. An entry that cannot be read is an error: `orders audit` tells more. */
export async function readBatches(
  lake: Storage,
): Promise<{ batches: Map<number, Batch>; last: LedgerEntry | undefined }> {
  const batches = new Map<number, Batch>();
  let last: LedgerEntry | undefined;
  for await (const { path, entry, error } of walkLedger(lake)) {
    if (entry === undefined) {
      throw new Error(
        `${lake.locate(path)} is not a ledger entry: ${error}. Look at it with: npm run orders -- audit`,
      );
    }
    addToBatches(batches, entry);
    last = entry;
  }
  return { batches, last };
}
