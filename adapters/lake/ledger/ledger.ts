/** `_ledger/<sequence>.json`: an append-only chain that proves, without Temporal, which offsets are in which files. */
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type {
  BatchIdentity,
  Beginning,
  LedgerEntry,
  NewLedgerEntry,
  Storage,
  StorageWriter,
} from '../../../ports';
import { setAsideCommand, shellWord } from '../../../domain/damaged';
import { NonRetryableError } from '../../../domain/errors';
import { BEGIN_ANEW } from '../../../domain/new-lake';
import { ORDERS } from '../../../domain/table/orders';
import { formatRanges } from '../../../domain/ranges';
import { isOtherTopic } from '../../../domain/topic-id';
import { codeOf } from '../../shared/error-code';
import { sha256, BEGINNING, canonicalRanges, entryName, sequenceOfEntry } from '../files';
import { LEDGER_DIRECTORY } from '../storage';
import { encodeEntry, ENTRY, offsets, topicId } from './entry';
import { entryBytes } from './ledger-walk';
import { segmentsIn } from './segments';
import { SEGMENT_ENTRIES } from './sizes';

const PLACE: z.ZodType<Beginning> = z.object({ begin: offsets, topicId });

/** The newest entry, or `undefined` in a new lake. Reads names, which folding keeps few, and one file. */
export async function lastEntry(lake: Storage): Promise<LedgerEntry | undefined> {
  const newest = (await segmentsIn(lake)).at(-1);
  let last = newest === undefined ? 0 : newest + SEGMENT_ENTRIES - 1;
  for (const name of await lake.list(LEDGER_DIRECTORY)) last = Math.max(last, sequenceOfEntry(name) ?? 0);
  if (last === 0) return undefined;
  try {
    return await readEntry(lake, last);
  } catch (error) {
    if (!(error instanceof UnreadableEntry)) throw error;
    const path = lake.locate(entryName(last));
    throw new UnreadableEntry(
      `${error.message} It is the ledger's newest, so nothing is landed until a copy of it is put back; landing goes on by itself ` +
        `then. Without a copy, take it away: ${setAsideCommand(path)} and land what it told of again. ${BEGIN_ANEW}`,
      { cause: error },
    );
  }
}

/** Writes down where a ledger without entries begins, unless that was done before; returns the place that counts. */
export async function beginning(lake: Storage, writer: StorageWriter, place: Beginning): Promise<Beginning> {
  const bytes = Buffer.from(`${JSON.stringify(place, null, 2)}\n`);
  if (await writer.putIfAbsent(BEGINNING, bytes)) return place;
  return (await knownBeginning(lake)) ?? place;
}

/** What {@link beginning} has written down, if it has. */
export async function knownBeginning(lake: Storage): Promise<Beginning | undefined> {
  const path = lake.locate(BEGINNING);
  const text = (await lake.get(BEGINNING))?.toString();
  if (text === undefined) return undefined;
  try {
    return PLACE.parse(JSON.parse(text));
  } catch (error) {
    throw new Error(
      `${path}, where the lake began, was changed or cut (${(error as Error).message}). Nothing has landed yet, so it may be ` +
        `removed, and landing begins with what Kafka holds now: rm ${shellWord(path)}`,
      { cause: error },
    );
  }
}

/**
 * Appends an entry as the owner of its epoch; returns the hash of its bytes. Success where it stands there already with the
 * same ranges.
 * NonRetryableError LandingConflict where other ranges took its sequence, LakeMismatch where the entry before it is missing or was
 * changed.
 */
export async function appendEntry(
  lake: Storage,
  writer: StorageWriter,
  { previousHash: expected, ...entry }: NewLedgerEntry,
): Promise<string> {
  if ((await findCommitted(lake, entry)) !== undefined) return hashOfEntry(lake, entry.sequence);
  const previousHash = await hashOfEntry(lake, entry.sequence - 1);
  if (expected !== undefined && expected !== previousHash) throw edited(lake, entry.sequence - 1);
  const whole: LedgerEntry = {
    ...entry,
    ruleSetVersion: ORDERS.ruleSetVersion,
    previousHash,
    committedAt: new Date().toISOString(),
  };
  const bytes = encodeEntry(whole);
  const created = await writer.putIfAbsent(entryName(entry.sequence), bytes);
  if (created) return sha256(bytes);
  await findCommitted(lake, entry);
  return hashOfEntry(lake, entry.sequence);
}

function edited(lake: Storage, sequence: number): NonRetryableError {
  return new NonRetryableError(
    'LakeMismatch',
    `${lake.locate(entryName(sequence))}, the ledger's newest entry, was changed since it was written. Put back a copy of it and ` +
      'start the landing again, or start it as it is, if the change is meant; the ledger then proves the changed entry: npm run ' +
      'orders -- start',
  );
}

/** What makes two entries one. Of a merge that is its inputs: another version of what merges them may make other bytes. */
type EntryIdentity = BatchIdentity & Pick<LedgerEntry, 'merged'>;

/** The batch's entry, if there is one; LandingConflict where its sequence has other ranges, or those of another topic, or other inputs. */
export async function findCommitted(lake: Storage, batch: EntryIdentity): Promise<LedgerEntry | undefined> {
  const there = await readEntry(lake, batch.sequence);
  if (there === undefined) return undefined;
  const other = isOtherTopic(there.topicId, batch.topicId);
  const isSame =
    canonicalRanges(there.ranges) === canonicalRanges(batch.ranges) &&
    isDeepStrictEqual(there.merged?.inputs, batch.merged?.inputs);
  if (isSame && !other) return there;
  const offsetsOf = ({ ranges, topicId, merged }: EntryIdentity) =>
    merged !== undefined
      ? `none (a merge of ${merged.inputs.length} files)`
      : other
        ? `${formatRanges(ranges)} of the topic with the id ${topicId}`
        : formatRanges(ranges);
  throw new SequenceTaken(
    `${lake.locate(entryName(batch.sequence))} holds batch ${batch.sequence} with the offsets ${offsetsOf(there)}, ` +
      `this one has ${offsetsOf(batch)}. Another landing writes to this lake: stop it, or give this one a lake of its own. ` +
      'If this landing was restored from an older state, start it again: it goes on after the newest entry: npm run orders -- start',
  );
}

/** Another landing has committed other offsets under a batch's number. */
export class SequenceTaken extends NonRetryableError {
  constructor(message: string) {
    super('LandingConflict', message);
  }
}

/** Hex SHA-256 of an entry's bytes; empty for 0. NonRetryableError LakeMismatch where it is missing. */
export async function hashOfEntry(lake: Storage, sequence: number): Promise<string> {
  if (sequence === 0) return '';
  const bytes = await entryBytes(lake, sequence);
  if (bytes !== undefined) return sha256(bytes);
  throw new NonRetryableError(
    'LakeMismatch',
    `${lake.locate(entryName(sequence))} is missing, so batch ${sequence + 1} has nothing to follow. The lake was emptied, moved or ` +
      'changed under a running landing: put its _ledger back as it was, then start the landing again: npm run orders -- start',
  );
}

/** An entry that is there and says nothing: it was cut or edited. */
export class UnreadableEntry extends Error {
  override readonly name = 'UnreadableEntry';
}

/** One entry; `undefined` where there is none. Throws UnreadableEntry. */
export async function readEntry(lake: Storage, sequence: number): Promise<LedgerEntry | undefined> {
  try {
    const bytes = await entryBytes(lake, sequence);
    if (bytes === undefined) return undefined;
    const entry = ENTRY.parse(JSON.parse(bytes.toString()));
    if (entry.sequence === sequence) return entry;
    throw new RangeError(`it says that it is entry ${entry.sequence}`);
  } catch (error) {
    if (codeOf(error) !== undefined) throw error;
    const reason = error instanceof z.ZodError ? z.prettifyError(error) : String(error);
    throw new UnreadableEntry(`${lake.locate(entryName(sequence))} is not a ledger entry: ${reason}.`, {
      cause: error,
    });
  }
}
