/** Files that somebody has cut, changed, removed or put there: what counts as landed, and what is told. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs/promises';
import { join } from 'node:path';
import type { OrdersLake } from '../../../ports';
import { createOrdersLake } from '../../../adapters/lake/writing';
import { queryLake } from '../../../adapters/lake/reading/reader';
import { describeDamaged, setAsideCommand, type DamagedFile } from '../../../domain/damaged';
import {
  accepted,
  batch,
  entryFor,
  freshLake,
  openLake,
  quarantined,
  write,
  storageAt,
} from '../../helpers/lake';
import { SILENT } from '../../helpers/telemetry';

let remove: () => Promise<void>;
let path: string;
let lake: OrdersLake;
/** The file of each batch, absolute. */
let files: string[];

beforeEach(async () => {
  ({ remove, path, lake } = await freshLake());
  files = [];
  for (const id of [1, 2, 3]) await land(id);
});
afterEach(async () => {
  jest.restoreAllMocks();
  await remove();
});

async function land(sequence: number): Promise<void> {
  const rows = { accepted: [accepted(sequence)], quarantined: [quarantined('{}', { offset: sequence })] };
  const written = await write(lake, batch(sequence), rows);
  await lake.commit(entryFor(batch(sequence), written));
  files[sequence] = join(path, written.files[0]!.path);
}

/** Which of the orders 1 to 3 count as landed, and what is told of files. */
async function look(): Promise<{ landed: number[]; told: string[] }> {
  const ids = [1, 2, 3];
  const { indexes, damaged } = await lake.findLanded(
    { before: 9 },
    ids.map((id) => accepted(id).order),
  );
  return { landed: ids.filter((_, index) => indexes.has(index)), told: damaged.map(describeDamaged) };
}

const replay = (sequence: number) => `npm run orders -- replay --batches ${sequence}`;

describe('a file is not what the ledger says', () => {
  const changes: Record<string, (file: string) => Promise<unknown>> = {
    'cut short': (file) => fs.truncate(file, 50),
    emptied: (file) => fs.truncate(file, 0),
    'grown by a byte': (file) => fs.appendFile(file, 'x'),
    'of the same size and no Parquet': async (file) =>
      fs.writeFile(file, Buffer.alloc((await fs.stat(file)).size)),
    'a directory': async (file) => {
      await fs.rm(file);
      await fs.mkdir(file);
    },
    'a pipe, which nobody writes to': async (file) => {
      await fs.rm(file);
      execFileSync('mkfifo', [file]);
    },
  };
  test.each(Object.keys(changes))(
    '%s: its rows do not count, those of others do, and it is named',
    async (name) => {
      await changes[name]!(files[2]!);
      const { landed, told } = await look();
      expect(landed).toEqual([1, 3]);
      expect(told).toEqual([expect.stringContaining(`${files[2]} `)]);
      expect(told[0]).toContain(replay(2));
    },
  );

  test('of several all are left out', async () => {
    for (const sequence of [1, 3]) await fs.truncate(files[sequence]!, 50);
    const { landed, told } = await look();
    expect(landed).toEqual([2]);
    expect(told.map((line) => line.includes(replay(1)) || line.includes(replay(3)))).toEqual([true, true]);
  });

  test('in the quarantine likewise', async () => {
    const [file] = (await fs.readdir(`${path}_quarantine`, { recursive: true })).filter((name) =>
      name.includes('part-0000000002'),
    );
    await fs.truncate(join(`${path}_quarantine`, file!), 10);
    const rows = [1, 2, 3].map((offset) => quarantined('{}', { offset }));
    const { indexes, damaged } = await lake.findQuarantined({ before: 9 }, rows);
    expect([...indexes].sort()).toEqual([0, 2]);
    expect(damaged.map(({ batch }) => batch)).toEqual([2]);
  });

  test('once it is put back it counts again', async () => {
    const kept = await fs.readFile(files[2]!);
    await fs.truncate(files[2]!, 50);
    const { damaged } = await lake.findLanded({ before: 9 }, [accepted(2).order]);
    expect(await lake.stillDamaged(damaged)).toEqual(damaged);
    await fs.writeFile(files[2]!, kept);
    expect(await lake.stillDamaged(damaged)).toEqual([]);
    expect((await look()).landed).toEqual([1, 2, 3]);
  });
});

test('a file that is gone: its rows do not count', async () => {
  await fs.rm(files[2]!);
  expect(await look()).toEqual({ landed: [1, 3], told: [] });
});

test('what the system refuses for a while proves nothing: the look-up fails and names the file', async () => {
  const stat = fs.stat.bind(fs);
  const spy = jest.spyOn(fs, 'stat').mockImplementation(async (file, options) => {
    if (file === files[2]) throw Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' });
    return stat(file, options);
  });
  await expect(look()).rejects.toThrow(/part-0000000002-.* cannot be read now: EIO.* It is tried again/);
  spy.mockRestore();
  expect((await look()).landed).toEqual([1, 2, 3]);
});

test('what advice is given for a file that the disk has lost helps', async () => {
  execFileSync('sh', ['-c', setAsideCommand(files[2]!)]);
  expect((await look()).landed).toEqual([1, 3]);
  expect(await queryLake(storageAt(path), 'SELECT count(*)::INTEGER FROM files')).toEqual([[2]]);
});

test('a file of another lake, under a name of ours, does not count, and the advice takes it from readers', async () => {
  const orphan = join(path, 'date=2025-11-18', 'part-0000000002-aaaaaaaaaaaa.parquet');
  await fs.copyFile(files[3]!, orphan);
  await fs.rm(files[3]!);
  const { landed, told } = await look();
  expect(landed).toEqual([1, 2]);
  expect(told).toEqual([
    expect.stringMatching(/part-0000000002-aaaaaaaaaaaa\.parquet is in no entry of the ledger/),
  ]);
  const command = /Take it away: (mv .*)$/.exec(told[0]!)![1]!;
  execFileSync('sh', ['-c', command]);
  expect((await look()).told).toEqual([]);
  expect(await queryLake(storageAt(path), 'SELECT order_id::INTEGER FROM files ORDER BY 1')).toEqual([
    [1],
    [2],
  ]);
});

test('a file whose entry is gone or unreadable does not count', async () => {
  const entry = join(path, '_ledger/0000000002.json');
  const kept = await fs.readFile(entry);
  await fs.writeFile(entry, kept.subarray(0, 40));
  expect((await look()).landed).toEqual([1, 3]);
  await fs.rm(entry);
  expect((await look()).landed).toEqual([1, 3]);
  await fs.writeFile(entry, kept);
  expect((await look()).landed).toEqual([1, 2, 3]);
});

test('a replayed batch is what its last entry says', async () => {
  const signal = new AbortController().signal;
  const rows = { accepted: [accepted(1), accepted(3)], quarantined: [] };
  const written = await lake.writeBatch(batch(1), rows, { signal, hiddenFor: 4 });
  await lake.commit({ ...entryFor(batch(1), written), sequence: 4, supersedes: 1 });
  await fs.rm(files[3]!);
  expect(await look()).toEqual({ landed: [1, 2, 3], told: [] });
  await fs.truncate(files[1]!, 50);
  expect((await look()).landed).toEqual([2]);
  expect(await lake.rowsOf(batch(1))).toEqual({ landed: 0, quarantined: 0 });
  expect(await lake.batchesOf({ from: '2025-11-18', to: '2025-11-18' })).toEqual([1, 2, 3]);

  // Gone after its replay, which is the last entry: the next opening goes on, and tells of it.
  await fs.rm(files[1]!);
  const opened = await openLake(createOrdersLake({ path, compression: 'snappy' }, SILENT));
  expect(opened.damaged).toMatchObject([{ file: files[1], batch: 1, problem: 'is missing' }]);
});

test('a directory in the place of a file gives way to its replay', async () => {
  await fs.rm(files[1]!);
  await fs.mkdir(join(files[1]!, 'with something in it'), { recursive: true });
  const signal = new AbortController().signal;
  const rows = { accepted: [accepted(1)], quarantined: [] };
  const written = await lake.writeBatch(batch(1), rows, { signal, hiddenFor: 4 });
  await lake.commit({ ...entryFor(batch(1), written), sequence: 4, supersedes: 1 });
  expect(await look()).toEqual({ landed: [1, 2, 3], told: [] });
  expect(await queryLake(storageAt(path), 'SELECT count(*)::INTEGER FROM files')).toEqual([[3]]);
});

test('without a look-up, a walk round the ledger notices what is missing or cut, and what was put back', async () => {
  const told = async (known: DamagedFile[] = []) => {
    const one = createOrdersLake({ path, compression: 'snappy' }, SILENT); // another would wait for its next step
    return one.patrol(3, known);
  };
  expect(await told()).toEqual([]);
  const kept = await fs.readFile(files[2]!);
  await fs.rm(files[2]!);
  await fs.truncate(files[3]!, 50);
  const found = await told();
  expect(found).toMatchObject([
    { file: files[2], batch: 2, problem: 'is missing' },
    { file: files[3], batch: 3, problem: expect.stringContaining('has 50 bytes') as string },
  ]);
  await fs.writeFile(files[2]!, kept);
  expect(await told(found)).toMatchObject([{ batch: 3 }]);
  // A replay has other files, and the entry before it is no witness any more.
  const signal = new AbortController().signal;
  const written = await lake.writeBatch(
    batch(3),
    { accepted: [], quarantined: [] },
    { signal, hiddenFor: 4 },
  );
  await lake.commit({ ...entryFor(batch(3), written), sequence: 4, supersedes: 3 });
  expect(await told()).toEqual([]);
});

test('a batch by dates is found though its file is gone', async () => {
  await fs.rm(join(path, 'date=2025-11-18'), { recursive: true });
  expect(await lake.batchesOf({ from: '2025-11-18', to: '2025-11-18' })).toEqual([1, 2, 3]);
});

test('an entry that cannot be read ends a replay of its batch, and is named', async () => {
  await fs.writeFile(join(path, '_ledger/0000000002.json'), '{');
  await expect(lake.entry(2)).rejects.toMatchObject({
    type: 'BatchNotLandable',
    message: expect.stringContaining('0000000002.json is not a ledger entry') as string,
  });
});
