/** A merged file takes the place of its inputs: nothing is lost or doubled, for readers at any time, and whenever it is interrupted. */
import fs from 'node:fs/promises';
import timers from 'node:timers/promises';
import { join } from 'node:path';
import { ORDERS } from '../../../domain/table/orders';
import type { LakeFile, LakePart, NewLedgerEntry, OrdersLake } from '../../../ports';
import {
  queryLake,
  readParquet,
  summary,
  withDuckDB,
  withScratchDuckDB,
} from '../../../adapters/lake/reading';
import { createOrdersLake } from '../../../adapters/lake/writing';
import { writeMerged } from '../../../adapters/lake/writing/merge';
import { completeMerge } from '../../../adapters/lake/writing/swap';
import { LakeSide } from '../../../reconcile/verify/lake-side';
import {
  accepted,
  batch,
  contentsOf,
  entryFor,
  freshLake,
  openLake,
  quarantined,
  storageAt,
  write,
} from '../../helpers/lake';
import { SILENT } from '../../helpers/telemetry';

let root: string;
let remove: () => Promise<void>;
let path: string;
let lake: OrdersLake;

beforeEach(async () => {
  ({ root, remove, path, lake } = await freshLake());
});
afterEach(async () => {
  jest.restoreAllMocks();
  await remove();
});

const never = new AbortController().signal;

async function merged(part: LakePart, inputs: readonly LakeFile[], newest: number): Promise<LakeFile> {
  const result = await writeMerged(storageAt(path)[part], ORDERS, { part, inputs, batch: newest }, never);
  if (!('file' in result)) throw new Error('damaged');
  return result.file;
}

/** Two batches of one date, and the entry that merges their files of a part. */
async function mergeOfTwo(part: LakePart): Promise<NewLedgerEntry> {
  const inputs: LakeFile[] = [];
  for (const sequence of [1, 2]) {
    const rows = { accepted: [accepted(sequence)], quarantined: [quarantined('{}', { offset: sequence })] };
    const written = await write(lake, batch(sequence), rows);
    await lake.commit(entryFor(batch(sequence), written));
    inputs.push(...(part === 'lake' ? written.files : written.quarantineFiles));
  }
  const file = await merged(part, inputs, 2);
  const files =
    part === 'lake' ? { files: [file], quarantineFiles: [] } : { files: [], quarantineFiles: [file] };
  const { next, reached } = entryFor(batch(2));
  const counts = { read: 0, landed: 0, duplicate: 0, quarantined: 0, failures: {} };
  return {
    ...{ ...batch(3), ranges: [], next, reached, highWater: {}, counts, ...files },
    merged: { inputs: inputs.map(({ path: name }) => name) },
  };
}

/** As a plain reader counts, which lists a directory. */
function count(directory: string): Promise<number> {
  const every = readParquet([directory]).replace("']", "/*.parquet']");
  return withDuckDB(async (duckdb) =>
    Number((await duckdb.runAndReadAll(`SELECT count(*) FROM ${every}`)).getRows()[0]?.[0]),
  );
}

const rowsOf = (part: LakePart) => count(join(storageAt(path)[part].location, 'date=2025-11-18'));

test.each(['lake', 'quarantine'] as const)(
  'a merge of the %s shows one file, and repeated nothing more',
  async (part) => {
    const entry = await mergeOfTwo(part);
    expect(await rowsOf(part)).toBe(2);
    await lake.commit(entry);
    const after = await contentsOf(root);
    const directory = `${part === 'lake' ? 'lake' : 'lake_quarantine'}/date=`;
    expect(Object.keys(after).filter((name) => name.startsWith(directory))).toEqual([
      `${directory}${[...entry.files, ...entry.quarantineFiles][0]?.path.slice('date='.length)}`,
    ]);
    expect(await rowsOf(part)).toBe(2);
    await lake.commit(entry);
    expect((await openLake(lake)).damaged).toEqual([]);
    expect(await contentsOf(root)).toEqual(after);
  },
);

test('one that dies at any step is completed by whoever opens the lake next, and readers count right or fail', async () => {
  // Nobody reads meanwhile.
  const pause = () => jest.spyOn(timers, 'setTimeout').mockResolvedValue(undefined);
  pause();
  const entry = await mergeOfTwo('lake');
  await fs.cp(root, `${root} kept`, { recursive: true });
  let [died, completed] = [0, 0];
  try {
    for (let n = 1; completed === 0; n += 1) {
      await fs.rm(root, { recursive: true });
      await fs.cp(`${root} kept`, root, { recursive: true });
      let step = 0;
      for (const name of ['link', 'rename', 'rm'] as const) {
        const original = fs[name].bind(fs) as (...args: unknown[]) => Promise<void>;
        jest.spyOn(fs, name).mockImplementation(async (...args: unknown[]) => {
          step += 1;
          if (step >= n) throw new Error('killed');
          return original(...args);
        });
      }
      await lake.commit(entry).then(
        () => (completed += 1),
        () => (died += 1),
      );
      jest.restoreAllMocks();
      pause();
      const counted = await rowsOf('lake').catch((error: unknown) => String(error));
      if (typeof counted === 'string') expect(counted).toContain('-merging.parquet');
      else expect(counted).toBe(2);
      const next = createOrdersLake({ path, compression: 'snappy' }, SILENT);
      const isMerged = (await openLake(next)).last?.merged !== undefined;
      expect(await rowsOf('lake')).toBe(2);
      const names = (await fs.readdir(join(path, 'date=2025-11-18'))).sort();
      expect(names).toEqual(
        (isMerged ? entry.files.map((file) => file.path) : entry.merged!.inputs).map((name) =>
          name.slice(16),
        ),
      );
    }
  } finally {
    await fs.rm(`${root} kept`, { recursive: true });
  }
  expect(died).toBeGreaterThan(10);
});

test('a merged file that somebody has removed is told, and its inputs stay', async () => {
  const entry = await mergeOfTwo('lake');
  const [file] = entry.files as [LakeFile];
  await fs.rm(join(path, file.path.replace('part-', '.part-') + '.merged'));
  await lake.commit(entry);
  expect(await rowsOf('lake')).toBe(2);
  expect((await openLake(lake)).damaged).toMatchObject([
    { file: join(path, file.path), problem: 'is missing' },
  ]);
});

test('the inputs stay until listings have ended that began before the marker, in a large directory longer', async () => {
  const entry = await mergeOfTwo('lake');
  const names = (): Promise<string[]> => fs.readdir(join(path, 'date=2025-11-18'));
  const pauses: [ms: number, names: string[]][] = [];
  jest.spyOn(timers, 'setTimeout').mockImplementation((async (ms: number) => {
    pauses.push([ms, (await names()).filter((name) => !name.startsWith('.'))]);
  }) as never);
  const listed = fs.readdir.bind(fs);
  jest.spyOn(fs, 'readdir').mockImplementation((async (...args: [string]) => {
    const found = await listed(...args);
    const until = performance.now() + 30;
    if (args[0].includes('date=')) while (performance.now() < until);
    return found;
  }) as never);
  await lake.commit(entry);
  const marker = expect.stringMatching(/-merging\.parquet$/) as string;
  const inputs = entry.merged!.inputs.map((name) => name.slice(16));
  expect(pauses.map(([, there]) => there)).toEqual([
    expect.arrayContaining([...inputs, marker]),
    [marker, entry.files[0]?.path.slice(16)],
  ]);
  for (const [ms] of pauses) expect(ms).toBeGreaterThanOrEqual(600);
});

test('readers in a loop through 200 merges never count wrong', async () => {
  const storage = storageAt(path);
  const DATES = 10;
  const done = new Set<string>();
  let [right, failed] = [0, 0];
  const wrong: unknown[] = [];

  /** Merges what is there with a new small file, again and again. `rows`: what is there, and what may be. */
  async function merging(date: string, rows: { least: number; most: number }): Promise<void> {
    let live: LakeFile[] = [];
    for (let merges = 0; merges <= 200 / DATES; merges += 1) {
      const sequence = merges + 1;
      const added = merges === 0 ? 100 : 1;
      rows.most += added;
      const orders = Array.from({ length: added }, (_, at) =>
        accepted(1_000 * merges + at, { createdAt: `${date}T10:00:00Z` }),
      );
      const from = { ...batch(sequence, Number(date.slice(8)) * 1_000 + merges), sequence };
      const { files } = await write(lake, from, { accepted: orders, quarantined: [] });
      rows.least += added;
      live.push(...files);
      if (live.length < 2) continue;
      const file = await merged('lake', live, sequence);
      const attempt = await storage.beginAttempt(1, sequence + 1);
      const inputs = live.map(({ path: name }) => name);
      await completeMerge(storage, attempt, { merged: { inputs }, files: [file], quarantineFiles: [] });
      await attempt.end();
      live = [file];
    }
    done.add(date);
  }

  async function reading(date: string, rows: { least: number; most: number }): Promise<void> {
    while (!done.has(date)) {
      const { least } = rows;
      try {
        const counted = await count(join(path, `date=${date}`));
        right += 1;
        if (counted < least || counted > rows.most) wrong.push({ date, least, counted, most: rows.most });
      } catch (error) {
        failed += 1;
        if (!/magic bytes|No files found|Cannot open file/.test(String(error))) wrong.push(error);
      }
      await timers.setTimeout(1);
    }
  }

  await Promise.all(
    Array.from({ length: DATES }, (_, at) => `2025-11-${11 + at}`).map(async (date) => {
      const rows = { least: 0, most: 0 };
      await Promise.all([merging(date, rows), reading(date, rows)]);
    }),
  );
  expect(wrong).toEqual([]);
  expect(right).toBeGreaterThan(200);
  expect(failed).toBeGreaterThan(0);
}, 180_000);

describe('the project’s own readers', () => {
  const counted = () => queryLake(storageAt(path), 'SELECT count(*)::DOUBLE FROM files');

  test('list again while files are merged, and count right', async () => {
    const entry = await mergeOfTwo('lake');
    let isMerging = true;
    const merging = lake.commit(entry).finally(() => (isMerging = false));
    let reads = 0;
    for (; isMerging; reads += 1) expect(await counted()).toEqual([[2]]);
    await merging;
    expect(reads).toBeGreaterThan(0);
    expect(await counted()).toEqual([[2]]);
  });

  test('say what to do where a merge stays half done', async () => {
    const [file] = (await mergeOfTwo('lake')).files;
    await fs.writeFile(join(path, file!.path.replace('.parquet', '-merging.parquet')), 'a marker');
    let time = Date.now();
    jest.spyOn(Date, 'now').mockImplementation(() => (time += 1_000));
    jest.spyOn(timers, 'setTimeout').mockResolvedValue(undefined);
    await expect(summary(storageAt(path))).rejects.toThrow(
      /-merging.parquet says .*npm run orders -- start$/,
    );
  });

  test('take a merged file of batches up to the last one that they compare', async () => {
    await lake.commit(await mergeOfTwo('lake'));
    const period = { from: '2025-11-18T00:00:00.000000Z', to: '2025-11-19T00:00:00.000000Z' };
    for (const [last, rows] of [
      [1, 2],
      [0, 0],
    ] as const) {
      const sums = await withScratchDuckDB((duckdb) =>
        new LakeSide(storageAt(path), last, duckdb).sums('lake', period, 'day'),
      );
      expect([...sums.values()].reduce((sum, one) => sum + Number(one.rows), 0)).toBe(rows);
    }
  });
});
