/** The table follows the log: exactly, once, beside other writers, and whatever becomes of a commit's answer. */
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { currentSnapshot, Publisher, type Catalog } from '../../../adapters/iceberg';
import { readManifest, readManifestList } from '../../../adapters/iceberg/manifests';
import { readParquet, withDuckDB } from '../../../adapters/lake/reading/duckdb';
import { encodeRows } from '../../../adapters/lake/writing/parquet-writer';
import { ORDERS } from '../../../domain/table/orders';
import type { LiveFile } from '../../../ports';
import { TestTable } from '../../helpers/iceberg';
import { accepted } from '../../helpers/lake';

let root: string;
let table: TestTable;
let log: TestLog;
let publisher: Publisher;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'iceberg-publish-'));
  table = new TestTable(root);
  log = new TestLog(table);
  publisher = publisherOf();
});
afterEach(() => rm(root, { recursive: true, force: true }));

const publisherOf = (catalog: Catalog = table.catalog, { lakeId = 'a lake', retentionMs = 3_600_000 } = {}) =>
  new Publisher({
    table: ORDERS,
    catalog,
    storage: table.storage,
    files: table.files,
    directory: '_iceberg',
    lakeId,
    log: () => Promise.resolve({ sequence: log.sequence, files: [...log.files] }),
    mergeAt: 5,
    manifestBytes: 1 << 20,
    retentionMs,
    keepSnapshots: 1,
  });

/** Entries of a log, with files as a lake has them. */
class TestLog {
  sequence = 0;
  files: LiveFile[] = [];

  constructor(private readonly table: TestTable) {}

  async batch(day: number, keys: readonly number[]): Promise<LiveFile> {
    const entry = ++this.sequence;
    return this.#add(await this.#write(day, entry, keys, [[entry, entry]]));
  }

  /** Lands a batch again, under the same name. */
  async replay(file: LiveFile, keys: readonly number[]): Promise<LiveFile> {
    this.sequence++;
    const written = await this.#write(dayOf(file), file.batches[0]![0], keys, file.batches);
    this.files = this.files.filter((one) => one !== file);
    return this.#add(written);
  }

  /** The inputs are gone, as in a directory. */
  async merge(inputs: readonly LiveFile[], keys: readonly number[]): Promise<LiveFile> {
    this.sequence++;
    const batches = inputs.flatMap((file) => file.batches);
    const written = await this.#write(dayOf(inputs[0]!), 900 + this.sequence, keys, batches);
    for (const { path } of inputs) await this.table.storage.remove(path);
    this.files = this.files.filter((one) => !inputs.includes(one));
    return this.#add(written);
  }

  #add(file: LiveFile): LiveFile {
    this.files.push(file);
    return file;
  }

  async #write(
    day: number,
    number: number,
    keys: readonly number[],
    batches: LiveFile['batches'],
  ): Promise<LiveFile> {
    const date = `2025-11-${18 + day}`;
    const path = `date=${date}/part-${String(number).padStart(10, '0')}-0123456789ab.parquet`;
    const rows = keys.map((key) => accepted(key, { createdAt: `${date}T10:00:00Z` }));
    await this.table.storage.put(path, encodeRows(ORDERS, rows, 'snappy'));
    const { bytes, sha256 } = (await this.table.storage.fingerprint(path))!;
    return { path, rows: keys.length, bytes, sha256, entry: this.sequence, batches };
  }
}

const dayOf = ({ path }: LiveFile) =>
  Number(path.slice('date=2025-11-'.length, 'date=2025-11-18'.length)) - 18;

/** The keys of the rows of a snapshot, the newest unless another is given. */
async function keys(at?: number): Promise<number[]> {
  const { metadata } = (await table.catalog.load())!;
  const snapshot = at === undefined ? currentSnapshot(metadata) : metadata.snapshots?.at(at);
  const paths: string[] = [];
  for (const manifest of await readManifestList(table.files, snapshot!))
    for (const { data_file } of await readManifest(table.files, manifest, metadata['partition-specs'][0]!))
      paths.push(data_file.file_path);
  return withDuckDB(async (duckdb) => {
    const read = await duckdb.runAndReadAll(`SELECT order_id::INTEGER FROM ${readParquet(paths)} ORDER BY 1`);
    return (read.getColumns()[0] ?? []).map(Number);
  });
}

const snapshots = async () => (await table.catalog.load())!.metadata.snapshots!;
const position = async () => (await table.catalog.load())!.metadata.properties['orders.log-position'];

/** Another writer, as Spark's rewrite_data_files, puts one file in the place of those of a day. */
async function rewrite(day: number, files: readonly LiveFile[], rows: readonly number[]): Promise<void> {
  const { metadata } = (await table.catalog.load())!;
  const old = [];
  for (const manifest of await readManifestList(table.files, currentSnapshot(metadata)!))
    for (const entry of await readManifest(table.files, manifest, metadata['partition-specs'][0]!))
      if (files.some((file) => entry.data_file.file_path.includes(file.sha256.slice(0, 12))))
        old.push(entry.data_file);
  expect(old).toHaveLength(files.length);
  const made = await table.rows(
    day,
    rows.map((key) => accepted(key, { createdAt: `2025-11-${18 + day}T10:00:00Z` })),
  );
  expect(await table.commit({ operation: 'replace', adds: [made], removes: old })).toBe(true);
}

test('batches, a merge and a replay become one snapshot each time, and old snapshots stay readable', async () => {
  const first = await log.batch(0, [1, 2]);
  const second = await log.batch(0, [3]);
  const other = await log.batch(1, [4]);
  expect(await publisher.publish()).toEqual({
    ...{ from: 0, to: 3, added: 3, removed: 0, addedRows: 4, removedRows: 0, again: [] },
  });
  expect(await keys()).toEqual([1, 2, 3, 4]);
  // No bytes are copied: it is the same file.
  const [named] = await table.storage.list('_iceberg/data/date=2025-11-18');
  const inode = async (name: string) => (await stat(table.storage.locate(name))).ino;
  expect(await inode(`_iceberg/data/date=2025-11-18/${named}`)).toBe(await inode(first.path));

  await log.merge([first, second], [1, 2, 3]);
  expect(await publisher.publish()).toMatchObject({ from: 3, to: 4, added: 1, removed: 2, again: [] });
  expect((await snapshots()).at(-1)?.summary.operation).toBe('replace');

  // Landed again under the same name, with another row less.
  await log.replay(other, [4, 5]);
  await log.batch(2, [6]);
  expect(await publisher.publish()).toMatchObject({ from: 4, to: 6, added: 2, removed: 1 });
  expect((await snapshots()).at(-1)?.summary).toMatchObject({
    operation: 'overwrite',
    'orders.log-position': '6',
  });
  expect([await keys(0), await keys(1), await keys(2)]).toEqual([
    [1, 2, 3, 4],
    [1, 2, 3, 4],
    [1, 2, 3, 4, 5, 6],
  ]);
  expect(await position()).toBe('6');

  // Nothing new, no commit; an entry without files, no snapshot.
  const before = (await table.catalog.load())!.location;
  expect(await publisher.publish()).toMatchObject({ from: 6, to: 6, added: 0 });
  expect((await table.catalog.load())!.location).toBe(before);
  log.sequence++;
  expect(await publisherOf().publish()).toMatchObject({ from: 6, to: 7, added: 0 });
  expect([await position(), (await snapshots()).length]).toEqual(['7', 3]);
});

test('a batch that was merged before it was published is there once', async () => {
  const first = await log.batch(0, [1]);
  await publisher.publish();
  const second = await log.batch(0, [2]);
  await log.merge([first, second], [1, 2]);
  expect(await publisher.publish()).toMatchObject({ from: 1, to: 3, added: 1, removed: 1 });
  expect(await keys()).toEqual([1, 2]);
  expect((await snapshots()).at(-1)?.summary.operation).toBe('overwrite');
});

test('of two publishers one commits what is new', async () => {
  await publisher.publish();
  for (let round = 0; round < 5; round++) {
    await log.batch(round % 3, [2 * round, 2 * round + 1]);
    await Promise.all([publisher.publish(), publisherOf().publish(), publisherOf().publish()]);
  }
  expect(await keys()).toEqual(Array.from({ length: 10 }, (_, key) => key));
  expect(await snapshots()).toHaveLength(5);
  // What the others wrote for nothing is gone.
  const lists = (await table.storage.list('_iceberg/metadata')).filter((name) => name.startsWith('snap-'));
  expect(lists).toHaveLength(5);
});

test('an answer that is lost neither doubles nor loses a snapshot', async () => {
  await log.batch(0, [1]);
  await publisher.publish();
  let lose: 'before' | 'after' = 'after';
  const weather: Catalog = {
    name: 'a catalog in bad weather',
    load: () => table.catalog.load(),
    async commit(base, next) {
      if (lose === 'after') await table.catalog.commit(base, next);
      throw new Error('socket hang up');
    },
  };
  await log.batch(0, [2]);
  expect(await publisherOf(weather).publish()).toMatchObject({ from: 1, to: 2 });
  expect([await keys(), (await snapshots()).length]).toEqual([[1, 2], 2]);
  lose = 'before';
  await log.batch(0, [3]);
  await expect(publisherOf(weather).publish()).rejects.toThrow('socket hang up');
  expect(await keys()).toEqual([1, 2]);
  expect(await publisher.publish()).toMatchObject({ from: 2, to: 3 });
  expect([await keys(), (await snapshots()).length]).toEqual([[1, 2, 3], 3]);
});

test('files that another writer has rewritten stay theirs, until the log changes what is in them', async () => {
  const files = [await log.batch(0, [1]), await log.batch(0, [2]), await log.batch(0, [3])];
  const elsewhere = await log.batch(1, [4]);
  await publisher.publish();
  await rewrite(0, files.slice(0, 2), [1, 2]);
  files.push(await log.batch(0, [5]));
  expect(await publisher.publish()).toMatchObject({ added: 1, removed: 0, again: [] });
  expect(await keys()).toEqual([1, 2, 3, 4, 5]);
  expect(await position()).toBe('5');

  // Their file has rows of two inputs of this merge, so that it cannot be done in part.
  const merged = await log.merge(files, [1, 2, 3, 5]);
  expect(await publisher.publish()).toMatchObject({ added: 1, removed: 3, again: ['2025-11-18'] });
  expect(await keys()).toEqual([1, 2, 3, 4, 5]);

  // A replay of a batch whose file was rewritten.
  await rewrite(1, [elsewhere], [4]);
  await log.replay(elsewhere, [4, 6]);
  expect(await publisher.publish()).toMatchObject({ added: 1, removed: 1, again: ['2025-11-19'] });
  expect(await keys()).toEqual([1, 2, 3, 4, 5, 6]);

  // A file that comes back is not removed with the snapshot that took it away.
  await rewrite(0, [merged], [1, 2, 3, 5]);
  await log.merge([await log.batch(0, [7]), await log.batch(0, [8])], [7, 8]);
  expect(await publisher.publish()).toMatchObject({ added: 2, removed: 1, again: ['2025-11-18'] });
  await publisherOf(undefined, { retentionMs: -1 }).expire();
  expect(await snapshots()).toHaveLength(1);
  expect(await keys()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
});

test('old snapshots go, and what only they named; a reader of a young one finds all', async () => {
  const first = await log.batch(0, [1]);
  await publisher.publish();
  const second = await log.batch(0, [2]);
  await publisher.publish();
  await log.merge([first, second], [1, 2]);
  await publisher.publish();
  expect(await publisher.expire()).toEqual({ snapshots: 0, files: 0 });
  expect(await keys(0)).toEqual([1]);

  const eager = publisherOf(undefined, { retentionMs: -1 });
  const all = await table.storage.list('_iceberg/metadata');
  const { files, ...expired } = await eager.expire();
  expect(expired).toEqual({ snapshots: 2 });
  expect(all.length - (await table.storage.list('_iceberg/metadata')).length).toBe(files - 1);
  // The two inputs are still what the newest snapshot took away; they go with it.
  await log.batch(0, [3]);
  await publisher.publish();
  await eager.expire();
  expect(await table.storage.list('_iceberg/data/date=2025-11-18')).toHaveLength(2);
  expect([await keys(), await position()]).toEqual([[1, 2, 3], '4']);
});

test('what is not as the log says is in no snapshot', async () => {
  const file = await log.batch(0, [1]);
  const bytes = await readFile(table.storage.locate(file.path));
  await table.storage.put(file.path, Buffer.from('not Parquet: a merge is going on'));
  await expect(publisher.publish()).rejects.toThrow('is not what ledger entry 1 says');
  await table.storage.remove(file.path);
  await expect(publisher.publish()).rejects.toThrow('is not what ledger entry 1 says');
  expect(await snapshots()).toEqual([]);
  await table.storage.put(file.path, bytes);
  expect(await publisher.publish()).toMatchObject({ to: 1, added: 1 });
});

test('the table of another lake, or of a log that was longer, is left alone', async () => {
  await log.batch(0, [1]);
  await publisher.publish();
  await expect(publisherOf(table.catalog, { lakeId: 'another' }).publish()).rejects.toThrow(
    'is not of this lake (another) but of a lake: give datalake.iceberg.catalog another table',
  );
  log.sequence = 0;
  await expect(publisher.publish()).rejects.toThrow(
    'holds the ledger up to entry 1, but the ledger ends at 0',
  );
});
