import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createOrdersLake } from '../../adapters/lake/writing';
import { summary } from '../../adapters/lake/reading/reader';
import { auditLake, NoLake } from '../../reconcile/audit';
import { accepted, batch, openLake, quarantined, write, storageAt } from '../helpers/lake';
import { SILENT } from '../helpers/telemetry';
import { path, lake, land, entryPath, type Json, edit, partOf, problems, DAY } from './audited-lake';

test('a whole lake is clean, and its summary counts what is there', async () => {
  expect(await auditLake(storageAt(path))).toMatchObject({
    clean: true,
    ledger: { entries: 3, batches: 3, replays: 0 },
    files: { lake: 3, quarantine: 1 },
    rows: { read: 4, landed: 3, quarantined: 1, duplicate: 0 },
    offsets: [{ partition: 0, from: '0', to: '30' }],
    period: { from: '2025-11-18T10:00:00.123456Z', to: '2025-11-19T00:00:00.000000Z' },
    parked: [],
    notes: [],
  });
});

test('an empty lake is clean; a directory that is none is an error', async () => {
  const empty = join(path, '..', 'empty');
  await openLake(createOrdersLake({ path: empty, compression: 'snappy' }, SILENT));
  expect((await auditLake(storageAt(empty))).clean).toBe(true);
  await expect(auditLake(storageAt(join(path, '..', 'nowhere')))).rejects.toThrow(NoLake);
});

test('a flipped byte, a cut file, a removed file', async () => {
  const flipped = partOf(path, DAY, 1);
  const bytes = readFileSync(flipped);
  bytes[20]! ^= 1;
  writeFileSync(flipped, bytes);
  const cut = partOf(path, DAY, 2);
  writeFileSync(cut, readFileSync(cut).subarray(0, 100));
  rmSync(partOf(path, 'date=2025-11-19', 1));
  expect(await problems()).toEqual([
    expect.stringMatching(/^file-changed date=2025-11-18\/part-0000000001-.* other contents than the ledger/),
    expect.stringMatching(/^file-changed date=2025-11-18\/part-0000000002-.* has 100 bytes/),
    expect.stringMatching(/^file-rows date=2025-11-18\/part-0000000002-.* not a Parquet file/),
    expect.stringMatching(/^file-missing date=2025-11-19\/part-0000000001-.* its 1 rows are lost/),
  ]);
});

test('orders that are there twice, though every file is what its entry says', async () => {
  await land(4, { accepted: [accepted(3), accepted(4)] });
  await land(5, { accepted: [accepted(3), accepted(1), accepted(5)] });
  await land(6, {
    accepted: [accepted(5, { createdAt: '2025-11-18T11:00:00Z' })],
    quarantined: [quarantined('{}')],
  });
  expect(await problems()).toEqual([
    expect.stringMatching(
      /^order-twice date=2025-11-18 1 order is there more than once, such as order_id 1, in files of the batches 1, 5\. .*--batches 5$/,
    ),
    expect.stringMatching(
      /^order-twice date=2025-11-18 .* order_id 3, in files of the batches 2, 4, 5\. .*--batches 4,5$/,
    ),
  ]);
  // Not the same order: its created_at was changed, which the pipeline does not follow.
  expect((await auditLake(storageAt(path))).notes).toMatchObject([
    {
      kind: 'order-moved',
      message: expect.stringContaining('such as 5, in files of the batches 5, 6') as string,
    },
  ]);
});

test('the files of a batch whose entry is lost: what helps without a copy of it', async () => {
  rmSync(entryPath(2));
  const result = await auditLake(storageAt(path));
  const [file] = result.problems.filter(({ where }) => where.startsWith('date='));
  expect(file!.message).toContain('"createdAt": "2025-11-18T10:00:00.123456Z"');
  execFileSync('sh', ['-c', /take the file away: (mv .*?) and publish/.exec(file!.message)![1]!]);
  expect(
    (await problems()).filter(
      (line) => line.includes('date=2025-11-18/part') && !line.includes('quarantine'),
    ),
  ).toEqual([]);
  expect((await summary(storageAt(path))).rows).toBe(2);
});

test('a removed quarantine file is named with its directory', async () => {
  rmSync(partOf(`${path}_quarantine`, DAY, 2));
  expect(await problems()).toEqual([
    expect.stringMatching(/^file-missing lake_quarantine\/date=2025-11-18\/part-/),
  ]);
});

test('rows that the footer does not have', async () => {
  edit(2, (entry) => {
    (entry['files'] as Json[])[0]!['rows'] = 2;
    Object.assign(entry['counts'] as Json, { landed: 2, read: 3 });
  });
  expect(await problems()).toEqual([
    expect.stringMatching(/^file-rows date=2025-11-18\/part-0000000002-.* has 1 rows, entry 2 says 2/),
  ]);
});

test('orphans: a copy under a name of the lake, any other file, a file at the top', async () => {
  const part = partOf(path, DAY, 1);
  cpSync(part, join(path, DAY, 'part-0000000002-aaaaaaaaaaaa.parquet'));
  cpSync(part, join(path, DAY, 'extra.parquet'));
  cpSync(part, join(path, 'top.parquet'));
  writeFileSync(join(path, DAY, 'README.txt'), 'mine');
  writeFileSync(join(path, DAY, '_SUCCESS'), ''); // another program's; readers skip it
  expect(await problems()).toEqual([
    expect.stringMatching(/^file-unlisted .\/top.parquet is in no ledger entry/),
    expect.stringMatching(
      /^file-unlisted date=2025-11-18\/README.txt is in no ledger entry: readers that take the whole directory/,
    ),
    expect.stringMatching(/^file-unlisted date=2025-11-18\/extra.parquet is in no.* readers count its rows/),
    expect.stringMatching(/^file-unlisted date=2025-11-18\/part-0000000002-aaaaaaaaaaaa.parquet is in no/),
  ]);
});

test('files of the batch after the last entry are notes; older left-overs and files further ahead are problems', async () => {
  await write(lake, batch(4), { accepted: [accepted(9)], quarantined: [] });
  const temporary = (name: string) => writeFileSync(join(path, DAY, `.${name}.0123456789abcdef.tmp`), 'x');
  temporary('part-0000000004-aaaaaaaaaaaa.parquet');
  expect(await problems()).toEqual([]);
  expect((await auditLake(storageAt(path))).notes).toHaveLength(2);

  temporary('part-0000000002-aaaaaaaaaaaa.parquet');
  cpSync(partOf(path, DAY, 1), join(path, DAY, 'part-0000000005-aaaaaaaaaaaa.parquet'));
  writeFileSync(join(path, '_ledger', '.0000000003.json.0123456789abcdef.tmp'), '{');
  expect(await problems()).toEqual([
    expect.stringMatching(/^left-over _ledger\/.0000000003.json/),
    expect.stringMatching(/^left-over date=2025-11-18\/.part-0000000002-/),
    expect.stringMatching(/^file-unlisted date=2025-11-18\/part-0000000005-.* the ledger ends with 3/),
  ]);
});
