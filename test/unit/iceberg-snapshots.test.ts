/** What each snapshot names, after appends, replacements, merges of manifests and expiry. */
import { expire } from '../../adapters/iceberg/expiry';
import { readManifest, readManifestList, type TableFiles } from '../../adapters/iceberg/manifests';
import {
  currentSnapshot,
  newMetadata,
  type Snapshot,
  type TableMetadata,
} from '../../adapters/iceberg/metadata';
import { FilesGone, nextSnapshot, type SnapshotChange } from '../../adapters/iceberg/snapshot';
import { ORDERS } from '../../domain/table/orders';

let stored: Map<string, Uint8Array>;
let files: TableFiles;
let metadata: TableMetadata;
let now: number;

beforeEach(() => {
  stored = new Map();
  files = {
    read: (at) => Promise.resolve(stored.get(at) ?? Promise.reject(new Error(`${at} is not there`))),
    write: (at, bytes) => Promise.resolve(void stored.set(at, bytes)),
    remove: (at) => Promise.resolve(void stored.delete(at)),
  };
  now = 1000;
  metadata = newMetadata(ORDERS, '/lake', {}, now);
});

const file = (number: number, day = 20_410, rows = 10) => ({
  content: 0,
  file_path: `/lake/data/${number}.parquet`,
  file_format: 'PARQUET',
  partition: { created_at_day: day },
  record_count: rows,
  file_size_in_bytes: 100,
});

const place = (number: number, day = 20_410) => ({ location: `/lake/data/${number}.parquet`, day });

async function commit(change: Partial<SnapshotChange>, mergeAt = 100): Promise<Snapshot> {
  const whole = { operation: 'append', adds: [], removes: [], summary: {}, ...change } as const;
  ({ metadata } = await nextSnapshot(files, metadata, whole, { mergeAt, manifestBytes: 1e6, now: ++now }));
  return currentSnapshot(metadata)!;
}

/** Numbers of the files that a snapshot names. */
async function namedBy(snapshot: Snapshot): Promise<number[]> {
  const named: number[] = [];
  for (const manifest of await readManifestList(files, snapshot))
    for (const { data_file } of await readManifest(files, manifest, metadata['partition-specs'][0]!))
      named.push(Number(/\d+/.exec(data_file.file_path)));
  return named.sort((a, b) => a - b);
}

test('each snapshot names the files up to it, and sums them up', async () => {
  const first = await commit({ adds: [file(1), file(2, 20_411)], summary: { 'orders.log-position': '2' } });
  const second = await commit({ adds: [file(3)] });
  expect([await namedBy(first), await namedBy(second)]).toEqual([
    [1, 2],
    [1, 2, 3],
  ]);
  expect(second).toMatchObject({ 'parent-snapshot-id': first['snapshot-id'], 'sequence-number': 2 });
  expect(first.summary).toMatchObject({
    operation: 'append',
    'added-data-files': '2',
    'added-records': '20',
    'changed-partition-count': '2',
    'orders.log-position': '2',
  });
  expect(second.summary).toMatchObject({ 'total-data-files': '3', 'total-records': '30' });
  expect(second.summary).toMatchObject({ 'total-files-size': '300' });
});

test('a replacement takes files away where they are named, and tells so', async () => {
  await commit({ adds: [file(1), file(2, 20_411)] });
  await commit({ adds: [file(3)] });
  const before = await commit({ adds: [file(4, 20_412)] });
  const after = await commit({
    operation: 'replace',
    adds: [file(5, 20_410, 20)],
    removes: [place(1), place(3)],
  });
  expect(await namedBy(after)).toEqual([2, 4, 5]);
  expect(await namedBy(before)).toEqual([1, 2, 3, 4]);
  expect(after.summary).toMatchObject({
    operation: 'replace',
    'deleted-data-files': '2',
    'deleted-records': '20',
    'removed-files-size': '200',
    'total-records': '40',
  });
  const manifests = await readManifestList(files, after);
  expect(
    manifests.map((one) => [one.added_files_count, one.existing_files_count, one.deleted_files_count]),
  ).toEqual([
    [1, 0, 0],
    [0, 1, 2],
    [1, 0, 0],
  ]);
  // A file that stays keeps the sequence number with which it came: deletes of other writers go by that.
  const [kept] = await readManifest(files, manifests[1]!, metadata['partition-specs'][0]!);
  expect(kept).toMatchObject({ sequence_number: 1, file_sequence_number: 1 });
  expect(manifests[1]).toMatchObject({ sequence_number: 4, min_sequence_number: 1 });

  // What only tells of files taken away is in no later list.
  const last = await commit({ operation: 'replace', adds: [file(6, 20_412)], removes: [place(4, 20_412)] });
  const later = await commit({ adds: [file(7)] });
  expect(await namedBy(later)).toEqual([2, 5, 6, 7]);
  expect((await readManifestList(files, last)).length).toBe((await readManifestList(files, later)).length);
});

test('files that are not in the table are no replacement, and nothing is written', async () => {
  await commit({ adds: [file(1)] });
  const before = [...stored.keys()];
  const gone = commit({ operation: 'replace', adds: [file(3)], removes: [place(1), place(2)] });
  await expect(gone).rejects.toThrow(FilesGone);
  await expect(gone).rejects.toMatchObject({ locations: ['/lake/data/2.parquet'] });
  expect([...stored.keys()]).toEqual(before);
});

test('many manifests become few, with the same files', async () => {
  for (let number = 1; number <= 40; number++) {
    const snapshot = await commit({ adds: [file(number, 20_410 + (number % 3))] }, 10);
    expect((await readManifestList(files, snapshot)).length).toBeLessThanOrEqual(11);
    expect(await namedBy(snapshot)).toEqual(Array.from({ length: number }, (_, at) => at + 1));
  }
});

test('an expired snapshot leaves nothing, and the others all that they name', async () => {
  for (let number = 1; number <= 6; number++) await commit({ adds: [file(number)] }, 3);
  await commit({ operation: 'replace', adds: [file(7)], removes: [1, 2, 3].map((one) => place(one)) }, 3);
  await commit({ adds: [file(8)] }, 3);
  await commit({ operation: 'replace', adds: [file(9)], removes: [place(7), place(4)] }, 3);
  const all = metadata.snapshots!;

  const young = await expire(files, metadata, { olderThan: all[0]!['timestamp-ms'], keep: 1 });
  expect(young).toMatchObject({ expired: 0, metadataFiles: [], dataFiles: [] });

  const expiry = await expire(files, metadata, { olderThan: now + 1, keep: 2 });
  expect(expiry.expired).toBe(7);
  expect(expiry.dataFiles.sort()).toEqual([1, 2, 3].map((one) => place(one).location));
  for (const name of expiry.metadataFiles) await files.remove(name);
  metadata = expiry.metadata;
  expect(metadata.snapshots).toHaveLength(2);
  expect(metadata['snapshot-log']).toHaveLength(2);
  expect(await namedBy(metadata.snapshots![0]!)).toEqual([4, 5, 6, 7, 8]);
  expect(await namedBy(metadata.snapshots![1]!)).toEqual([5, 6, 8, 9]);
  const lists = metadata.snapshots!.map((one) => one['manifest-list']);
  const named = new Set(lists);
  for (const one of metadata.snapshots!)
    for (const { manifest_path } of await readManifestList(files, one)) named.add(manifest_path);
  expect(new Set(stored.keys())).toEqual(named);

  // The rest goes later.
  await commit({ adds: [file(10)] }, 3);
  const second = await expire(files, metadata, { olderThan: now + 1, keep: 1 });
  expect(second.dataFiles.sort()).toEqual([4, 7].map((one) => place(one).location));
});

test('snapshots that a tag may name stay', async () => {
  for (let number = 1; number <= 3; number++) await commit({ adds: [file(number)] });
  const tag = { 'snapshot-id': metadata.snapshots![0]!['snapshot-id'], type: 'tag' } as const;
  metadata = { ...metadata, refs: { ...metadata.refs, audited: tag } };
  expect(await expire(files, metadata, { olderThan: now + 1, keep: 1 })).toMatchObject({ expired: 0 });
});
