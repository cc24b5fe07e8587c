/** What a lake holds after an entry of its ledger: the one place that says what each kind of entry does. No file is touched. */
import type { LakeFile, LakePart, LedgerEntry, LiveFile } from '../../../ports';
import { dateOf, sequenceOfPath } from '../files';

/** The parts of a lake that have files of their own. */
export const PARTS = ['lake', 'quarantine'] as const satisfies LakePart[];

/** Files of one date. A batch has one in it, so its number is its key; the key of a file of several batches is its path. */
type DateFiles = Map<number | string, LiveFile>;

/** The files that count, by `date=…` directory, and what else the entries tell of all batches. */
export interface LogState extends Record<LakePart, Map<string, DateFiles>> {
  /** The last entry that was applied; 0 for none. */
  sequence: number;
  /** Batches whose offsets are not in the lake. */
  failed: Set<number>;
}

/** What an entry did to the files of a part. */
export interface Change {
  added: LiveFile[];
  removed: LiveFile[];
}

export function emptyState(): LogState {
  return { sequence: 0, lake: new Map(), quarantine: new Map(), failed: new Set() };
}

/**
 * Adds the entry after those that were applied. Changes the state in place, and tells how.
 *
 * A batch adds its files. A replay adds its own in the place of those that hold that batch alone; in a merged file the batch's
 * rows stay. A merge adds its file, with the batches of its inputs, in the place of these.
 */
export function apply(state: LogState, entry: LedgerEntry): Record<LakePart, Change> {
  const { sequence, supersedes: batch = sequence, files, quarantineFiles, parked } = entry;
  const change = {
    lake: applyTo(state.lake, entry, files),
    quarantine: applyTo(state.quarantine, entry, quarantineFiles),
  };
  if (parked === undefined) state.failed.delete(batch);
  else state.failed.add(batch);
  state.sequence = sequence;
  return change;
}

function applyTo(
  part: LogState[LakePart],
  { sequence, supersedes, merged }: LedgerEntry,
  files: readonly LakeFile[],
): Change {
  const batch = supersedes ?? sequence;
  let removed: LiveFile[] = [];
  let batches: LiveFile['batches'] = [[batch, batch]];
  if (supersedes !== undefined) removed = removeBatch(part, supersedes);
  // Lake and quarantine have files of the same names: the inputs are those of the part that has the merged file.
  if (merged !== undefined && files.length > 0) {
    removed = merged.inputs.flatMap((path) => removeFile(part, path));
    batches = union(removed.flatMap((file) => file.batches));
  }
  const added = files.map((file) => ({ ...file, entry: sequence, batches }));
  for (const file of added) addFile(part, file);
  return { added, removed };
}

export function addFile(part: LogState[LakePart], file: LiveFile): void {
  const date = dateOf(file.path);
  const files: DateFiles = part.get(date) ?? new Map<number | string, LiveFile>();
  part.set(date, files.set(onlyBatch(file) ?? file.path, file));
}

function removeBatch(part: LogState[LakePart], batch: number): LiveFile[] {
  const removed: LiveFile[] = [];
  for (const [date, files] of part) {
    const file = files.get(batch);
    if (file === undefined) continue;
    removed.push(file);
    remove(part, date, batch);
  }
  return removed;
}

function removeFile(part: LogState[LakePart], path: string): LiveFile[] {
  const date = dateOf(path);
  const key = keyOf(part.get(date), path);
  const file = key === undefined ? undefined : part.get(date)?.get(key);
  if (key === undefined || file === undefined) return [];
  remove(part, date, key);
  return [file];
}

function remove(part: LogState[LakePart], date: string, key: number | string): void {
  const files = part.get(date);
  files?.delete(key);
  if (files?.size === 0) part.delete(date);
}

/** The key of the file with this path, if it counts. */
function keyOf(files: DateFiles | undefined, path: string): number | string | undefined {
  const batch = sequenceOfPath(path);
  if (batch !== undefined && files?.get(batch)?.path === path) return batch;
  return files?.has(path) === true ? path : undefined;
}

/** The file with this path, if it counts. */
export function liveFile(part: LogState[LakePart], path: string): LiveFile | undefined {
  const files = part.get(dateOf(path));
  const key = keyOf(files, path);
  return key === undefined ? undefined : files?.get(key);
}

/** The batch of a file that holds rows of no other. */
export function onlyBatch({ batches: [first, ...more] }: LiveFile): number | undefined {
  return first !== undefined && more.length === 0 && first[0] === first[1] ? first[0] : undefined;
}

/** Rising, apart, and as few as hold the same numbers. */
function union(ranges: LiveFile['batches']): LiveFile['batches'] {
  const joined: LiveFile['batches'] = [];
  for (const [from, to] of [...ranges].sort(([a], [b]) => a - b)) {
    const last = joined.at(-1);
    if (last !== undefined && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else joined.push([from, to]);
  }
  return joined;
}
