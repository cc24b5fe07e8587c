/** The table of a real lake, by its ledger: in a directory, and in a bucket. */
import { rm } from 'node:fs/promises';
import { currentSnapshot, directoryCatalog, Publisher, tableFilesIn } from '../../../adapters/iceberg';
import { readManifest, readManifestList } from '../../../adapters/iceberg/manifests';
import { LakeLog, openStorage, readParquet, withDuckDB } from '../../../adapters/lake/reading';
import { createOrdersLake } from '../../../adapters/lake/writing';
import { ORDERS } from '../../../domain/table/orders';
import { accepted, batch, entryFor, openLake, temporaryDirectory, write } from '../../helpers/lake';
import { freshS3 } from '../../helpers/s3';
import { SILENT } from '../../helpers/telemetry';

describe.each(['a directory', 'a bucket'])('in %s', (kind) => {
  let root: string | undefined;
  const place = async () => {
    if (kind === 'a bucket') return freshS3();
    ({ path: root } = await temporaryDirectory());
    return { path: `${root}/lake` };
  };
  afterEach(() => root && rm(root, { recursive: true }));

  test('the table follows batches and a replay', async () => {
    const where = await place();
    const lake = createOrdersLake({ ...where, compression: 'snappy' }, SILENT);
    const { lake: storage } = openStorage(where);
    const { identity } = await openLake(lake);
    const log = new LakeLog(storage);
    const files = tableFilesIn(storage);
    const catalog = directoryCatalog(storage, '_iceberg');
    const publisher = new Publisher({
      ...{ table: ORDERS, catalog, storage, files, directory: '_iceberg', lakeId: identity.id },
      ...{ mergeAt: 100, manifestBytes: 1 << 20, retentionMs: 0, keepSnapshots: 1 },
      log: async () => {
        const { sequence, lake: dates } = await log.whole();
        return { sequence, files: [...dates.values()].flatMap((date) => [...date.values()]) };
      },
    });
    /** Names of the files that the table has. */
    const table = async () => {
      const { metadata } = (await catalog.load())!;
      const names: string[] = [];
      for (const manifest of await readManifestList(files, currentSnapshot(metadata)!))
        for (const { data_file } of await readManifest(files, manifest, metadata['partition-specs'][0]!))
          names.push(storage.nameOf(data_file.file_path));
      return names;
    };
    const keys = async () =>
      storage.withPaths(await table(), (paths) =>
        withDuckDB(async (duckdb) => {
          const sql = `SELECT order_id::INTEGER FROM ${readParquet(paths)} ORDER BY 1`;
          return (await duckdb.runAndReadAll(sql)).getColumns()[0]?.map(Number);
        }),
      );
    const rows = (...ids: number[]) => ({
      accepted: ids.map((id) => accepted(id, { createdAt: `2025-11-${17 + id}T10:00:00Z` })),
      quarantined: [],
    });
    for (const [sequence, ids] of [
      [1, [1, 2]],
      [2, [3]],
    ] as const)
      await lake.commit(entryFor(batch(sequence), await write(lake, batch(sequence), rows(...ids))));
    expect(await publisher.publish()).toMatchObject({ from: 0, to: 2, added: 3, addedRows: 3 });
    expect(await keys()).toEqual([1, 2, 3]);

    const before = await table();

    // Batch 1 again: order 2 is refused now, and order 4 is not any more.
    const signal = new AbortController().signal;
    const written = await lake.writeBatch(batch(1), rows(1, 4), { signal, again: true, hiddenFor: 3 });
    await lake.commit({ ...entryFor(batch(1), written), sequence: 3, supersedes: 1 });
    expect(await publisher.publish()).toMatchObject({ from: 2, to: 3, added: 1, removed: 1 });
    expect(await keys()).toEqual([1, 3, 4]);
    const { metadata } = (await catalog.load())!;
    expect(metadata.properties).toMatchObject({ 'orders.log-position': '3', 'orders.lake-id': identity.id });
    expect(metadata.properties['gc.enabled']).toBe(kind === 'a bucket' ? 'false' : undefined);

    // With the snapshot that took it away, a file goes that is the table's own name of it; the lake's objects are not its to remove.
    expect((await publisher.expire()).snapshots).toBe(1);
    await lake.commit(entryFor(batch(4), await write(lake, batch(4), rows(5))));
    await publisher.publish();
    expect((await publisher.expire()).snapshots).toBe(1);
    expect(await keys()).toEqual([1, 3, 4, 5]);
    const gone = before.filter((name) => name.includes('2025-11-19'));
    expect(gone).toHaveLength(1);
    expect((await storage.head(gone[0]!)) !== undefined).toBe(kind === 'a bucket');
    for (const name of await table()) expect(await storage.head(name)).toBeDefined();
  });
});
