/** `_ledger/<sequence>.json`: an append-only chain that proves, without Temporal, which offsets are in which files. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { BatchIdentity, Beginning, LedgerEntry, NewLedgerEntry } from '../../../ports';
import { setAsideCommand, shellWord } from '../../../domain/damaged';
import { LastingFailure } from '../../../domain/errors';
import { BEGIN_ANEW } from '../../../domain/new-lake';
import { ORDERS } from '../../../domain/table/orders';
import type { FailureCode } from '../../../domain/table/table';
import { formatRanges } from '../../../domain/ranges';
import { isOtherTopic } from '../../../domain/topic-id';
import {
  codeOf,
  createDurably,
  sha256,
  BEGINNING,
  canonicalRanges,
  padSequence,
  sequenceOfEntry,
  namesIn,
} from '../files';

/** The newest entry, or `undefined` in a new lake. Reads names and one file, however many entries there are. */
export async function lastEntry(folder: string): Promise<LedgerEntry | undefined> {
  let last = 0;
  for (const name of await namesIn(folder)) last = Math.max(last, sequenceOfEntry(name) ?? 0);
  if (last === 0) return undefined;
  try {
    return await readEntry(folder, last);
  } catch (error) {
    if (!(error instanceof UnreadableEntry)) throw error;
    const path = join(folder, entryName(last));
    throw new UnreadableEntry(
      `${error.message} It is the ledger's newest, so nothing is landed until a copy of it is put back; landing goes on by itself ` +
        `then. Without a copy, take it away: ${setAsideCommand(path)} and land what it told of again. ${BEGIN_ANEW}`,
      { cause: error },
    );
  }
}

/** Writes down where a ledger without entries begins, unless that was done before; returns the place that counts. */
export async function beginning(folder: string, via: string, place: Beginning): Promise<Beginning> {
  const bytes = Buffer.from(`${JSON.stringify(place, null, 2)}\n`);
  if (await createDurably(folder, BEGINNING, bytes, { via })) return place;
  return (await knownBeginning(folder)) ?? place;
}

/** `undefined` where there is no such file. */
async function textOf(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  });
}

/** What {@link beginning} has written down, if it has. */
export async function knownBeginning(folder: string): Promise<Beginning | undefined> {
  const path = join(folder, BEGINNING);
  const text = await textOf(path);
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
 * Appends an entry by way of the folder `via`; returns the hash of its bytes. Success where it stands there already with the
 * same ranges.
 * LastingFailure LandingConflict where other ranges took its sequence, LakeMismatch where the entry before it is missing or was
 * changed.
 */
export async function appendEntry(
  folder: string,
  via: string,
  { previousHash: expected, ...entry }: NewLedgerEntry,
): Promise<string> {
  if ((await findCommitted(folder, entry)) !== undefined) return hashOfEntry(folder, entry.sequence);
  const previousHash = await hashOfEntry(folder, entry.sequence - 1);
  if (expected !== undefined && expected !== previousHash) throw edited(folder, entry.sequence - 1);
  const whole: LedgerEntry = {
    ...entry,
    ruleSetVersion: ORDERS.ruleSetVersion,
    previousHash,
    committedAt: new Date().toISOString(),
  };
  // Parsed for the schema's order of keys; strictly, so that no new field is dropped unseen.
  const text = `${JSON.stringify(z.strictObject(SHAPE).parse(whole), null, 2)}\n`;
  const created = await createDurably(folder, entryName(entry.sequence), Buffer.from(text), { via });
  if (!created) await findCommitted(folder, entry);
  return hashOfEntry(folder, entry.sequence);
}

function edited(folder: string, sequence: number): LastingFailure {
  return new LastingFailure(
    'LakeMismatch',
    `${join(folder, entryName(sequence))}, the ledger's newest entry, was changed since it was written. Put back a copy of it and ` +
      'start the landing again, or start it as it is, if the change is meant; the ledger then proves the changed entry: npm run ' +
      'orders -- start',
  );
}

/** The batch's entry, if there is one; LandingConflict where its sequence has other ranges, or those of another topic. */
export async function findCommitted(folder: string, batch: BatchIdentity): Promise<LedgerEntry | undefined> {
  const there = await readEntry(folder, batch.sequence);
  if (there === undefined) return undefined;
  const other = isOtherTopic(there.topicId, batch.topicId);
  if (canonicalRanges(there.ranges) === canonicalRanges(batch.ranges) && !other) return there;
  const offsetsOf = ({ ranges, topicId }: BatchIdentity) =>
    other ? `${formatRanges(ranges)} of the topic with the id ${topicId}` : formatRanges(ranges);
  throw new LastingFailure(
    'LandingConflict',
    `${join(folder, entryName(batch.sequence))} holds batch ${batch.sequence} with the offsets ${offsetsOf(there)}, ` +
      `this one has ${offsetsOf(batch)}. Another landing writes to this lake: stop it, or give this one a lake of its own. ` +
      'If this landing was restored from an older state, start it again: it goes on after the newest entry: npm run orders -- start',
  );
}

/** Hex SHA-256 of an entry's bytes; empty for 0. LastingFailure LakeMismatch where it is missing. */
export async function hashOfEntry(folder: string, sequence: number): Promise<string> {
  if (sequence === 0) return '';
  const path = join(folder, entryName(sequence));
  try {
    return sha256(await readFile(path));
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    throw new LastingFailure(
      'LakeMismatch',
      `${path} is missing, so batch ${sequence + 1} has nothing to follow. The lake was emptied, moved or changed under a running ` +
        'landing: put its _ledger back as it was, then start the landing again: npm run orders -- start',
      { cause: error },
    );
  }
}

/** An entry that is there and says nothing: it was cut or edited. */
export class UnreadableEntry extends Error {
  override readonly name = 'UnreadableEntry';
}

/** One entry; `undefined` where there is none. Throws UnreadableEntry. */
export async function readEntry(folder: string, sequence: number): Promise<LedgerEntry | undefined> {
  const path = join(folder, entryName(sequence));
  const text = await textOf(path);
  if (text === undefined) return undefined;
  try {
    return ENTRY.parse(JSON.parse(text));
  } catch (error) {
    const reason = error instanceof z.ZodError ? z.prettifyError(error) : String(error);
    throw new UnreadableEntry(`${path} is not a ledger entry: ${reason}.`, { cause: error });
  }
}

/** `0000000042.json`. */
export function entryName(sequence: number): string {
  return `${padSequence(sequence)}.json`;
}

const offset = z.string().regex(/^\d+$/);
const offsets = z.record(z.string().regex(/^\d+$/), offset);
const topicId = z.string().optional();
const PLACE: z.ZodType<Beginning> = z.object({ begin: offsets, topicId });
const count = z.int().nonnegative();
const position = z.object({ createdAt: z.string(), orderId: z.string() });
const file = z.object({
  path: z.string(),
  rows: count,
  bytes: count,
  sha256: z.string(),
  first: position.optional(),
  last: position.optional(),
});
const damaged = z.object({
  file: z.string(),
  batch: z.int().positive(),
  problem: z.string(),
  listed: z.object({ bytes: count, sha256: z.string() }).optional(),
});
const failureCode = z.enum(Object.keys(ORDERS.failures) as [FailureCode, ...FailureCode[]]);

const SHAPE = {
  sequence: z.int().positive(),
  epoch: z.int().nonnegative().optional(),
  ranges: z.array(z.object({ partition: count, from: offset, to: offset })),
  topicId,
  topicSince: z.int().positive().optional(),
  next: offsets,
  reached: offsets,
  parked: z.object({ type: z.string(), message: z.string() }).optional(),
  supersedes: z.int().positive().optional(),
  unlanded: z.array(z.int().positive()).optional(),
  damaged: z.array(damaged).optional(),
  withdrawn: z.object({ files: z.array(z.string()), rows: count }).optional(),
  resets: z
    .array(z.object({ from: offsets, to: offsets, reason: z.string().nullable(), at: z.string(), topicId }))
    .optional(),
  counts: z.object({
    read: count,
    landed: count,
    duplicate: count,
    quarantined: count,
    failures: z.partialRecord(failureCode, count),
  }),
  newestCreatedAt: z.string().optional(),
  highWater: z.record(z.string(), position),
  files: z.array(file),
  quarantineFiles: z.array(file),
  ruleSetVersion: z.int().positive(),
  committedAt: z.string(),
  previousHash: z.string().regex(/^([0-9a-f]{64})?$/),
};

/** Not strict: a worker of an older version can still read what a newer one added to. */
export const ENTRY: z.ZodType<LedgerEntry> = z.object(SHAPE);
