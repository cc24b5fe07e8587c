/** What an entry of the ledger looks like: strict where one is written, tolerant where one is read. */
import { z } from 'zod';
import type { LedgerEntry } from '../../../ports';
import { ORDERS } from '../../../domain/table/orders';
import type { FailureCode } from '../../../domain/table/table';
import { dateOf, isPartPath } from '../files';

const offset = z.string().regex(/^\d{1,19}$/);
export const offsets = z.record(z.string().regex(/^\d{1,9}$/), offset);
export const topicId = z.string().optional();
const count = z.int().nonnegative();
const position = z.object({ createdAt: z.string(), orderId: z.string().regex(/^-?\d{1,19}$/) });
// By it files are read, replaced and removed: an entry that somebody has edited must not name another.
const path = z.string().refine(isPartPath, 'is no name of a part file');
export const file = z.object({
  path,
  rows: count,
  bytes: count,
  sha256: z.string(),
  first: position.optional(),
  last: position.optional(),
});
const damaged = z.object({
  file: z.string(),
  batch: z.int().positive(),
  batches: z.array(z.tuple([z.int().positive(), z.int().positive()])).optional(),
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
  merged: z.object({ inputs: z.array(path).min(1) }).optional(),
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

/** The bytes of a new entry. Throws where it is none: a field that no reader knows, or a merge that is more than one. */
export function encodeEntry(entry: LedgerEntry): Buffer {
  // Parsed for the schema's order of keys; strictly, so that no new field is dropped unseen.
  return Buffer.from(`${JSON.stringify(WRITTEN.parse(entry), null, 2)}\n`);
}

const WRITTEN = z
  .strictObject(SHAPE)
  .refine(({ merged, ranges, counts, files, quarantineFiles, supersedes, parked }) => {
    if (merged === undefined) return true;
    const [file, ...more] = [...files, ...quarantineFiles];
    const { failures, ...numbers } = counts;
    const counted = Object.values(numbers).some((one) => one > 0) || Object.keys(failures).length > 0;
    const inDate = merged.inputs.every((input) => file !== undefined && dateOf(input) === dateOf(file.path));
    const isOther = supersedes !== undefined || parked !== undefined;
    return more.length === 0 && inDate && ranges.length === 0 && !counted && !isOther;
  }, 'a merge has one file, inputs of its date, no ranges and no counts, and is nothing else');
