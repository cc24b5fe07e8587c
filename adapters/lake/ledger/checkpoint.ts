/**
 * What a lake holds after one of its entries, so that nobody has to read those before: `_ledger/checkpoints/<sequence>.json.gz`.
 * It follows from the entries alone, so anyone may write it, and a broken one is as good as none.
 */
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { z } from 'zod';
import type { LakePart, LiveFile, Storage } from '../../../ports';
import { codeOf } from '../../shared/error-code';
import { OddFile } from '../../shared/small-file';
import { checkpointName, CHECKPOINTS, sequenceOfCheckpoint } from '../files';
import { file } from './entry';
import { addFile, emptyState, PARTS, type LogState } from './log-state';
import { pack } from './segments';

/** The newest is enough; the one before it is there for the case that this one is broken. */
const KEPT = 2;
/** What a storage reads at once: the files of 200,000 batches that were never merged. */
const LARGEST_PACKED = 16 * 1024 * 1024;
const LARGEST = 512 * 1024 * 1024;

const range = z.tuple([z.int().positive(), z.int().positive()]);
const live: z.ZodType<LiveFile> = file.extend({ entry: z.int().positive(), batches: z.array(range).min(1) });
const CHECKPOINT = z.object({
  sequence: z.int().positive(),
  hash: z.string(),
  failed: z.array(z.int().positive()),
  lake: z.array(live),
  quarantine: z.array(live),
});
/** A state after an entry, as it stands in a file, and the hex SHA-256 of that entry. */
export type Checkpoint = z.infer<typeof CHECKPOINT>;

/** Numbers of the entries that have one, in order. */
export async function checkpointsIn(lake: Storage): Promise<number[]> {
  return (await lake.list(CHECKPOINTS)).flatMap((name) => sequenceOfCheckpoint(name) ?? []);
}

/** The state that a checkpoint tells of. */
export function stateOf(checkpoint: Checkpoint): LogState {
  const state = { ...emptyState(), sequence: checkpoint.sequence, failed: new Set(checkpoint.failed) };
  for (const part of PARTS) for (const one of checkpoint[part]) addFile(state[part], one);
  return state;
}

/** Whether two tell the same, byte for byte. */
export function isSame(a: Checkpoint | undefined, b: Checkpoint): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Writes it, unless it is there, and removes those before the newest two. `false` where it is too large to be read again. */
export async function writeCheckpoint(lake: Storage, checkpoint: Checkpoint): Promise<boolean> {
  const packed = await pack(Buffer.from(`${JSON.stringify(checkpoint)}\n`));
  if (packed.length > LARGEST_PACKED) return false;
  const { sequence } = checkpoint;
  const name = checkpointName(sequence);
  const written = await lake.putIfAbsent(name, packed);
  // A broken one gives way.
  if (!written && !isSame(await readCheckpoint(lake, sequence), checkpoint)) await lake.put(name, packed);
  for (const old of (await checkpointsIn(lake)).filter((one) => one <= sequence).slice(0, -KEPT))
    await lake.remove(checkpointName(old));
  return true;
}

/** What the checkpoint after this entry says; `undefined` where it is gone or broken. */
export async function readCheckpoint(lake: Storage, sequence: number): Promise<Checkpoint | undefined> {
  try {
    const packed = await lake.get(checkpointName(sequence));
    if (packed === undefined) return undefined;
    const bytes = await promisify(gunzip)(packed, { maxOutputLength: LARGEST });
    const found = CHECKPOINT.parse(JSON.parse(bytes.toString()));
    return found.sequence === sequence ? found : undefined;
  } catch (error) {
    // The bytes are wrong, unless it is the system that says so.
    const code = codeOf(error);
    if (code === undefined || code.startsWith('Z_') || code.startsWith('ERR_') || error instanceof OddFile)
      return undefined;
    throw error;
  }
}

/** The same for the same state, however it came about. */
export function checkpointOf(state: LogState, hash: string): Checkpoint {
  const files = (part: LakePart) =>
    [...state[part].values()]
      .flatMap((date) => [...date.values()])
      .sort((a, b) => (a.path < b.path ? -1 : 1))
      // Parsed, so that its keys are in the order in which they are read.
      .map((one) => live.parse(one));
  const failed = [...state.failed].sort((a, b) => a - b);
  return { sequence: state.sequence, hash, failed, lake: files('lake'), quarantine: files('quarantine') };
}
