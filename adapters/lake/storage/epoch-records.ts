/**
 * Who opened a lake: `_staging/<epoch>.json`, a record for each opening that only one of several can make. What keeps an older
 * owner from writing is each storage's own.
 */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { NonRetryableError } from '../../../domain/errors';
import type { LakeStorage, Owner } from '../../../ports';
import { LAST_EPOCH } from './names';

/** The records as a storage keeps them. */
export interface EpochRecords {
  /** Where they are, and each of them, for people. */
  location: string;
  locate(epoch: number): string;
  /** 0 where there is none. */
  newest(): Promise<number>;
  /** `undefined` where there is none, or something that is no record. */
  read(epoch: number): Promise<Buffer | undefined>;
  /** One of several that try wins. */
  create(epoch: number, bytes: Buffer): Promise<boolean>;
}

/**
 * Makes the record of the next epoch, greater than `above`: the records may have been removed, and the ledger's epochs must
 * rise all the same. NonRetryableError LandingConflict for an attempt that was scheduled before the present epoch's: it is one that
 * woke up late. With `onlyOwn` also where another workflow, by its first run, opened the lake last.
 */
export async function nextEpoch(
  records: EpochRecords,
  owner: Owner,
  { above, onlyOwn }: Parameters<LakeStorage['takeEpoch']>[1],
): Promise<number> {
  for (;;) {
    const newest = Math.max(await records.newest(), above);
    if (newest >= LAST_EPOCH)
      throw new NonRetryableError(
        'LakeMismatch',
        `${records.location} says that epoch ${newest} was the last to own the lake, and there is none after it: somebody has written that. ` +
          `Remove ${records.locate(newest)}, and start the landing again: npm run orders -- start`,
      );
    if (newest > 0) await refuseLatecomer(records, newest, owner);
    if (onlyOwn && !(await isOwn(records, newest, owner))) throw supersededBy(records.location, newest);
    // No two attempts write the same bytes, so that one can tell its record from another's.
    const attempt = randomUUID();
    const record = { epoch: newest + 1, ...owner, openedAt: new Date().toISOString(), attempt };
    const bytes = Buffer.from(`${JSON.stringify(record, null, 2)}\n`);
    if (await records.create(newest + 1, bytes)) return newest + 1;
  }
}

export function supersededBy(location: string, epoch: number | undefined): NonRetryableError {
  const which = epoch === undefined ? '' : ` (epoch ${epoch})`;
  return new NonRetryableError(
    'LandingConflict',
    `The lake ${location} was opened by another landing${which}, which owns it now; nothing ` +
      'more is written here. If two landOrders share the lake, stop one of them or give it a lake of its own; then start ' +
      'landOrders again.',
  );
}

async function refuseLatecomer(records: EpochRecords, newest: number, owner: Owner): Promise<void> {
  const { scheduledAt, runId } = await ownerIn(records, newest);
  if (owner.scheduledAt >= scheduledAt) return;
  throw new NonRetryableError(
    'LandingConflict',
    `${records.locate(newest)} was written by run ${runId} at ${new Date(scheduledAt).toISOString()}, after this one was scheduled ` +
      `(${new Date(owner.scheduledAt).toISOString()}). That landing owns the lake; if it does not run any more and the clock ` +
      'of the Temporal server was set back, wait until it has passed that moment, then start landOrders again.',
  );
}

async function isOwn(records: EpochRecords, epoch: number, { firstRunId }: Owner): Promise<boolean> {
  return firstRunId !== undefined && (await ownerIn(records, epoch)).firstRunId === firstRunId;
}

const OWNER = z.object({
  runId: z.string().catch(''),
  scheduledAt: z.number().min(0).max(8.64e15).catch(0), // what a Date holds
  firstRunId: z.string().optional().catch(undefined),
});

/** A record that was removed, cut or changed tells of nobody. */
async function ownerIn(records: EpochRecords, epoch: number): Promise<Owner> {
  const nobody = { runId: '', scheduledAt: 0 };
  const bytes = await records.read(epoch);
  try {
    const owner = OWNER.safeParse(JSON.parse(bytes?.toString() ?? ''));
    return owner.success ? owner.data : nobody;
  } catch {
    return nobody; // no JSON
  }
}
