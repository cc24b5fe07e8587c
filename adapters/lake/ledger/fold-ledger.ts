/**
 * Keeps a ledger short: a checkpoint, so that nobody has to read old entries, and old entries folded into segments, so that
 * nobody has to list them. Any number may do it at once, and one that dies anywhere leaves a ledger that says the same.
 */
import type { CheckpointResult, LedgerEntry, Storage } from '../../../ports';
import { entryName, segmentName, sequenceOfEntry, sha256, CHECKPOINTS, SEGMENTS } from '../files';
import { isTemporary, LEDGER_DIRECTORY } from '../storage';
import { checkpointsIn, writeCheckpoint } from './checkpoint';
import type { LakeLog } from './lake-log';
import { oddAsAbsent, parseEntry, stepOf } from './ledger-walk';
import { encodeSegment, firstOfSegment, readSegment, segmentsIn, UnreadableSegment } from './segments';
import { CHECKPOINT_EVERY, SEGMENT_ENTRIES, SINGLE_ENTRIES } from './sizes';

/** Segments of one call: some seconds of work, so that it can be broken off. */
const SEGMENTS_A_CALL = 20;

/** Idempotent without a key: what is there already is found. Throws where the storage fails. */
export async function checkpointLedger(
  lake: Storage,
  log: LakeLog,
  signal: AbortSignal,
): Promise<CheckpointResult> {
  for (const directory of [CHECKPOINTS, SEGMENTS])
    for (const name of (await lake.list(directory)).filter(isTemporary))
      await lake.remove(`${directory}/${name}`);
  const now = await log.checkpoint();
  const newest = (await checkpointsIn(lake)).filter((one) => one <= (now?.sequence ?? 0)).at(-1) ?? 0;
  let checkpoint = newest;
  const blocked: string[] = [];
  if (now === undefined) {
    if (log.gaps.length > 0)
      blocked.push(`no checkpoint is written: entry ${log.gaps[0]} of the ledger is missing or unreadable`);
  } else if (now.sequence - newest >= CHECKPOINT_EVERY) {
    if (await writeCheckpoint(lake, now)) checkpoint = now.sequence;
    else blocked.push('no checkpoint is written: there are too many files in the lake; merge them');
  }
  const folded = await foldOld(lake, (await log.state()).sequence, signal);
  return { checkpoint, ...folded, blocked: [...blocked, ...folded.blocked] };
}

type Folded = Omit<CheckpointResult, 'checkpoint'>;

async function foldOld(lake: Storage, last: number, signal: AbortSignal): Promise<Folded> {
  const result: Folded = { folded: 0, removed: 0, bytes: 0, more: false, blocked: [] };
  const singles = new Map<number, number[]>();
  for (const name of await lake.list(LEDGER_DIRECTORY)) {
    const sequence = sequenceOfEntry(name);
    if (sequence === undefined) continue;
    const first = firstOfSegment(sequence);
    if (first + SEGMENT_ENTRIES - 1 > last - SINGLE_ENTRIES) continue;
    const there = singles.get(first);
    if (there === undefined) singles.set(first, [sequence]);
    else there.push(sequence);
  }
  const segments = new Set(await segmentsIn(lake));
  let left = SEGMENTS_A_CALL;
  for (const [first, sequences] of singles) {
    signal.throwIfAborted();
    if (left-- === 0) return { ...result, more: true };
    const entries = segments.has(first)
      ? await folded(lake, first)
      : await fold(lake, first, sequences, result);
    if (typeof entries === 'string') {
      result.blocked.push(entries);
      continue;
    }
    for (const sequence of sequences) {
      const bytes = entries[sequence - first];
      const single = await lake.get(entryName(sequence)).catch(oddAsAbsent);
      if (single === undefined) continue;
      if (bytes?.equals(single) !== true) {
        result.blocked.push(
          `${lake.locate(entryName(sequence))} is not the entry ${sequence} that ${segmentName(first, SEGMENT_ENTRIES)} holds`,
        );
        continue;
      }
      await lake.remove(entryName(sequence));
      result.removed += 1;
    }
  }
  return result;
}

/** Makes the segment of entries that are all there and each of which holds the hash of the one before; or says why not. */
async function fold(
  lake: Storage,
  first: number,
  sequences: readonly number[],
  result: Folded,
): Promise<Buffer[] | string> {
  const not = (sequence: number, why: string) =>
    `the entries ${first} to ${first + SEGMENT_ENTRIES - 1} are not folded: entry ${sequence} ${why}`;
  const there = new Set(sequences);
  const entries: Buffer[] = [];
  const before = first === 1 ? undefined : (await stepOf(lake, first - 1))?.sha256;
  if (before === '' || (first > 1 && before === undefined)) return not(first - 1, 'is missing or unreadable');
  let previousHash = before ?? '';
  for (let sequence = first; sequence < first + SEGMENT_ENTRIES; sequence += 1) {
    const bytes = there.has(sequence) ? await lake.get(entryName(sequence)).catch(oddAsAbsent) : undefined;
    if (bytes === undefined) return not(sequence, 'is missing');
    const parsed = parseEntry(bytes);
    if (!('entry' in parsed)) return not(sequence, 'is unreadable');
    if (!follows(parsed.entry, sequence, previousHash))
      return not(sequence, 'does not follow the one before it');
    previousHash = sha256(bytes);
    entries.push(bytes);
  }
  const packed = await encodeSegment(entries);
  if (packed === undefined)
    return not(first, 'and those after it are too large, or not written as entries are');
  await lake.putIfAbsent(segmentName(first, SEGMENT_ENTRIES), packed);
  result.folded += SEGMENT_ENTRIES;
  result.bytes += packed.length;
  // Read back: only what can be read there is removed here.
  return folded(lake, first);
}

function follows(entry: LedgerEntry, sequence: number, previousHash: string): boolean {
  return entry.sequence === sequence && entry.previousHash === previousHash;
}

async function folded(lake: Storage, first: number): Promise<Buffer[] | string> {
  try {
    return (await readSegment(lake, first)) ?? `${segmentName(first, SEGMENT_ENTRIES)} is gone`;
  } catch (error) {
    if (!(error instanceof UnreadableSegment)) throw error;
    return `${error.message}. Put back a copy`;
  }
}
