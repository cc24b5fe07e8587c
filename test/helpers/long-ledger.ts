/** A ledger of many entries, written at once: what the lake's own writer would take a minute for. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { LakeFile, LedgerEntry } from '../../ports';
import { encodeEntry } from '../../adapters/lake/ledger/entry';
import { entryName, partName, sha256 } from '../../adapters/lake/files';

/** The batch with this number: ten offsets, and one file that is nowhere. */
export function longEntry(sequence: number): Omit<LedgerEntry, 'previousHash'> {
  const to = String(sequence * 10);
  const ranges = [{ partition: 0, from: String((sequence - 1) * 10), to }];
  const day = `date=2025-11-${10 + Math.floor(sequence / 10)}`;
  const file: LakeFile = {
    path: `${day}/${partName({ sequence, ranges })}`,
    rows: 1,
    bytes: 100,
    sha256: 'a'.repeat(64),
    first: { createdAt: '2025-11-18T10:00:00.123456Z', orderId: String(sequence) },
    last: { createdAt: '2025-11-18T10:00:00.123456Z', orderId: String(sequence) },
  };
  return {
    sequence,
    ranges,
    next: { '0': to },
    reached: { '0': to },
    counts: { read: 1, landed: 1, duplicate: 0, quarantined: 0, failures: {} },
    highWater: {},
    files: [file],
    quarantineFiles: [],
    ruleSetVersion: 1,
    committedAt: '2025-11-18T10:00:00.000Z',
  };
}

/** Adds the entries `from` to `to`; returns the hash of the last. */
export function addEntries(
  lake: string,
  { from = 1, to, after = '' }: { from?: number; to: number; after?: string },
  entryOf: (sequence: number) => Omit<LedgerEntry, 'previousHash'> = longEntry,
): string {
  let previousHash = after;
  mkdirSync(join(lake, dirname(entryName(1))), { recursive: true });
  for (let sequence = from; sequence <= to; sequence += 1) {
    const bytes = encodeEntry({ ...entryOf(sequence), previousHash });
    writeFileSync(join(lake, entryName(sequence)), bytes);
    previousHash = sha256(bytes);
  }
  return previousHash;
}
