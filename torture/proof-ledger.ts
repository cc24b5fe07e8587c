/** The ledger's own promise: every offset in one batch, every entry chained to the one before. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { LedgerEntry } from '../activities/interfaces';
import type { Offsets } from '../model/ranges';

export interface Entry {
  name: string;
  bytes: Buffer;
  entry: LedgerEntry;
}

/** Read as any other program would, not by the code that wrote them. */
export function readLedger(lakePath: string): Entry[] {
  const folder = join(lakePath, '_ledger');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => /^\d+\.json$/.test(name))
    .sort()
    .map((name) => {
      const bytes = readFileSync(join(folder, name));
      return { name, bytes, entry: JSON.parse(bytes.toString()) as LedgerEntry };
    });
}

/** @param end the offsets at which the topic's readable part ends */
export function proveLedger(entries: Entry[], end: Offsets): string[] {
  const wrong: string[] = [];
  const reached: Offsets = {};
  let previousHash = '';
  for (const [index, { name, bytes, entry }] of entries.entries()) {
    if (entry.sequence !== index + 1) wrong.push(`ledger: ${name} is number ${index + 1}`);
    if (entry.previousHash !== previousHash) wrong.push(`ledger: ${name} does not follow the one before it`);
    previousHash = createHash('sha256').update(bytes).digest('hex');
    for (const { partition, from, to } of entry.ranges) {
      const expected = reached[partition] ?? '0';
      if (from !== expected)
        wrong.push(`ledger: ${name} has partition ${partition} from ${from}, not ${expected}`);
      reached[partition] = to;
    }
    const { read, landed, duplicate, quarantined } = entry.counts;
    if (read !== landed + duplicate + quarantined) wrong.push(`ledger: the counts of ${name} do not add up`);
    if (duplicate > 0) wrong.push(`ledger: ${name} met ${duplicate} orders that had landed before`);
  }
  for (const [partition, offset] of Object.entries(end)) {
    const at = reached[partition] ?? '0';
    if (at !== offset) wrong.push(`ledger: partition ${partition} landed to ${at}, the topic has ${offset}`);
  }
  return wrong;
}
