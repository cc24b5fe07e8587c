/** Which files count after merges and replays, as the oracle sees it, and entries that were folded into a segment. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { liveFiles, readLedger, type Entry } from '../../dev/oracle';

const file = (name: string, rows: number) => ({
  path: `date=2025-11-18/${name}`,
  bytes: 1,
  sha256: '',
  rows,
});
const path = (name: string) => file(name, 0).path;

function ledgerOf(...entries: Partial<Entry['entry']>[]): Entry[] {
  return entries.map((fields, index) => ({
    name: `${index + 1}.json`,
    bytes: Buffer.alloc(0),
    entry: { sequence: index + 1, files: [], quarantineFiles: [], ...fields } as unknown as Entry['entry'],
  }));
}

const merge = (inputs: string[], rows: number) => ({
  merged: { inputs: inputs.map(path) },
  files: [file('m', rows)],
});
const counting = (...entries: Partial<Entry['entry']>[]) => {
  const { lake, wrong } = liveFiles(ledgerOf(...entries));
  return { files: lake.map((one) => [one.path.slice(16), one.batches]), wrong };
};
const [a, b] = [{ files: [file('a', 2)] }, { files: [file('b', 3)] }];

test('a merged file counts in the place of its inputs, and holds rows of their batches', () => {
  expect(counting(a, b, merge(['a', 'b'], 5))).toEqual({ files: [['m', [1, 2]]], wrong: [] });
});

test('a replay takes away the files of its batch, but no merged one', () => {
  const replay = { supersedes: 1, files: [file('r', 2)] };
  expect(counting(a, b, replay).files).toEqual([
    ['b', [2]],
    ['r', [1]],
  ]);
  expect(counting(a, b, merge(['a', 'b'], 5), replay).files).toEqual([
    ['m', [1, 2]],
    ['r', [1]],
  ]);
});

test('a merge of one part leaves files of the same names in the other', () => {
  const both = { ...a, quarantineFiles: [file('a', 1)] };
  const { lake, quarantine } = liveFiles(ledgerOf(both, b, merge(['a', 'b'], 5)));
  expect([lake.length, quarantine.map((one) => one.path)]).toEqual([1, [path('a')]]);
});

test.each([
  ['a file that does not count', [a, b, merge(['a', 'c'], 2)], 'merges files that do not count'],
  ['one file twice', [a, b, merge(['a', 'a'], 4)], 'or one of them twice'],
  ['a file that was merged before', [a, merge(['a'], 2), merge(['a'], 2)], 'merges files that do not count'],
  ['other rows than there were', [a, b, merge(['a', 'b'], 4)], 'makes 4 rows of 5'],
])('a merge of %s is told', (_what, entries, message) => {
  expect(counting(...entries).wrong.join()).toContain(message);
});

test('entries in a segment come before single ones, with the bytes that they had', () => {
  const lake = mkdtempSync(join(tmpdir(), 'orders-oracle-'));
  try {
    const entries = [1, 2, 3].map(
      (sequence) => `${JSON.stringify({ sequence, what: { é: '}' } }, null, 2)}\n`,
    );
    mkdirSync(join(lake, '_ledger', 'segments'), { recursive: true });
    writeFileSync(
      join(lake, '_ledger', 'segments', '0000000001-0000000002.json.gz'),
      gzipSync(entries.slice(0, 2).join('')),
    );
    // Folded already, and not removed yet.
    writeFileSync(join(lake, '_ledger', '0000000002.json'), entries[1]!);
    writeFileSync(join(lake, '_ledger', '0000000003.json'), entries[2]!);
    const read = readLedger(lake);
    expect(read.map(({ name }) => name)).toEqual([1, 2, 3].map((n) => `000000000${n}.json`));
    expect(read.map(({ bytes }) => bytes.toString())).toEqual(entries);
  } finally {
    rmSync(lake, { recursive: true });
  }
});
