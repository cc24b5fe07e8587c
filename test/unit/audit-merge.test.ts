/** Files that were merged: the audit proves them, look-ups count their rows, and a merge that is none is found. */
import * as fs from 'node:fs';
import { basename, join } from 'node:path';
import { sha256 } from '../../adapters/lake/files';
import { quote, readParquet, withDuckDB } from '../../adapters/lake/reading';
import { describeDamaged } from '../../domain/damaged';
import { auditLake } from '../../reconcile/audit';
import { accepted, batch, entryFor, storageAt, write } from '../helpers/lake';
import { append, DAY, EMPTY, lake, partOf, path, problems, type Json } from './audited-lake';

let inputs: string[];
let merged: { path: string; rows: number; bytes: number; sha256: string };

/** Of the first day's two files, with the rows 1 and 3, as entry 4. */
beforeEach(async () => {
  inputs = [1, 2].map((sequence) => `${DAY}/${basename(partOf(path, DAY, sequence))}`);
  const scratch = join(path, '..', 'merged');
  const source = readParquet(inputs.map((input) => join(path, input)));
  await withDuckDB((duckdb) =>
    duckdb.run(
      `COPY (SELECT * FROM ${source} ORDER BY created_at, order_id) TO ${quote(scratch)} (FORMAT parquet)`,
    ),
  );
  const bytes = fs.readFileSync(scratch);
  const name = `${DAY}/part-0000000002-${sha256(bytes).slice(0, 12)}.parquet`;
  merged = { path: name, rows: 2, bytes: bytes.length, sha256: sha256(bytes) };
  fs.renameSync(scratch, join(path, name));
});
const entry = (fields: Json = {}) =>
  append(4, {
    merged: { inputs },
    ranges: [],
    counts: EMPTY,
    files: [merged],
    quarantineFiles: [],
    ...fields,
  });
const merge = () => {
  entry();
  for (const input of inputs) fs.rmSync(join(path, input));
};
const look = async () => {
  const { indexes, damaged } = await lake.findLanded(
    { before: 9 },
    [1, 3, 4].map((id) => accepted(id).order),
  );
  return { landed: [...indexes].sort(), told: damaged.map(describeDamaged) };
};

test('a merge is proved, with the rows and offsets of the batches as before', async () => {
  const before = await auditLake(storageAt(path));
  entry();
  const amid = await auditLake(storageAt(path));
  expect(amid.problems).toEqual([]);
  expect(amid.notes.filter(({ message }) => message.includes('entry 4 has merged it'))).toHaveLength(2);
  expect((await look()).told).toEqual([]);
  for (const input of inputs) fs.rmSync(join(path, input));
  const { rows, files, ledger, problems: found } = await auditLake(storageAt(path));
  expect(found).toEqual([]);
  expect({ rows, files: files.lake, ledger: [ledger.entries, ledger.batches, ledger.merges] }).toEqual({
    rows: before.rows,
    files: 2,
    ledger: [4, 3, 1],
  });
});

test('its rows count as landed; a batch has for itself what no merge took', async () => {
  merge();
  expect(await look()).toEqual({ landed: [0, 1], told: [] });
  expect(await lake.batchesOf({ from: '2025-11-18', to: '2025-11-18' })).toEqual([1, 2]);
  expect(await lake.rowsOf(batch(1))).toEqual({ landed: 1, quarantined: 0 });
  const { whole, lost } = await lake.filesOf(1);
  expect(whole.files.map((file) => file.path.slice(0, 15))).toEqual(['date=2025-11-19']);
  expect(lost).toEqual([]);
});

test('a replay of one of its batches leaves it, and sees its rows', async () => {
  merge();
  const rows = { accepted: [accepted(2, { createdAt: '2025-11-19T00:00:00Z' })], quarantined: [] };
  expect((await lake.findLanded({ except: 2 }, [accepted(3).order])).indexes.size).toBe(1);
  const { signal } = new AbortController();
  const written = await lake.writeBatch(batch(2), rows, { signal, hiddenFor: 5 });
  await lake.commit({
    ...entryFor(batch(2), written),
    sequence: 5,
    supersedes: 2,
    next: { '0': '30' },
    reached: { '0': '30' },
  });
  expect(await look()).toEqual({ landed: [0, 1], told: [] });
  expect(fs.existsSync(join(path, merged.path))).toBe(true);
});

test('one that is damaged is told with all its batches, and its rows do not count', async () => {
  merge();
  fs.truncateSync(join(path, merged.path), 50);
  const again = 'npm run orders -- replay --batches 1-2';
  expect((await problems())[0]).toContain(`land its batches again: ${again}`);
  expect(await look()).toEqual({ landed: [], told: [expect.stringContaining(again)] });
});

test('an order in two files is told by the batches of both', async () => {
  merge();
  const written = await write(lake, batch(5), { accepted: [accepted(3)], quarantined: [] });
  await lake.commit({
    ...entryFor({ ...batch(5), ranges: [{ partition: 0, from: '30', to: '40' }] }, written),
  });
  expect((await problems()).filter((line) => line.startsWith('order-twice'))).toEqual([
    expect.stringMatching(/order_id 3, in files of the batches 1-2, 5\. .* --batches 5$/),
  ]);
});

describe('what no merge may be is found:', () => {
  const bad: Record<string, [fields: () => Json, told: RegExp]> = {
    'an input that does not count': [
      () => ({ merged: { inputs: [...inputs, inputs[0]!.replace('0000000001', '0000000009')] } }),
      /merges date=2025-11-18\/part-0000000009-.* does not count/,
    ],
    'rows that were lost': [() => ({ files: [{ ...merged, rows: 1 }] }), /merges 2 rows into 1/],
    'a file of another date': [
      () => ({ files: [{ ...merged, path: merged.path.replace('-18/', '-19/') }] }),
      /files of several dates/,
    ],
    'no file': [() => ({ files: [] }), /merges 2 files into 0, not into one/],
    offsets: [
      () => ({
        ranges: [{ partition: 0, from: '30', to: '40' }],
        next: { '0': '40' },
        reached: { '0': '40' },
      }),
      /no offsets and no counts/,
    ],
    'offsets that it moves': [
      () => ({ next: { '0': '40' }, reached: { '0': '40' } }),
      /goes on at offset 40 of partition 0, not at 30/,
    ],
    'a file of the other part': [() => ({ files: [], quarantineFiles: [merged] }), /does not count/],
  };
  test.each(Object.keys(bad))('%s', async (name) => {
    const [fields, told] = bad[name]!;
    entry(fields());
    const wrong = (await problems()).filter((line) =>
      /^(entry-wrong|offsets) _ledger\/0000000004/.test(line),
    );
    expect(wrong.join('\n')).toMatch(told);
  });
});
