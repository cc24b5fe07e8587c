/** The next snapshot of a table: files added, and files that others take the place of. */
import { randomInt } from 'node:crypto';
import type { Long } from './avro/types';
import type { DataFile } from './data-file';
import {
  ADDED,
  DELETED,
  EXISTING,
  mayHold,
  readManifest,
  readManifestList,
  writeManifest,
  writeManifestList,
  type Form,
  type ManifestEntry,
  type ManifestFile,
  type TableFiles,
} from './manifests';
import { currentSnapshot, firstSpec, type Snapshot, type TableMetadata } from './metadata';

export interface SnapshotChange {
  /** `replace`: the rows stay the same. */
  operation: 'append' | 'replace' | 'overwrite';
  adds: readonly DataFile[];
  /** Files of the table that go, each by its location and day. */
  removes: readonly { location: string; day: number }[];
  /** Besides what every summary holds. */
  summary: Record<string, string>;
}

export interface SnapshotOptions {
  /** So many small manifests of one snapshot are merged: each is a file that every reader opens. */
  mergeAt: number;
  /** A manifest of so many bytes is merged no more. */
  manifestBytes: number;
  /** Milliseconds since 1970. */
  now: number;
}

export interface NextSnapshot {
  metadata: TableMetadata;
  /** What was written for it, to be removed if it is not committed. */
  written: string[];
}

/** The files to be removed are not all in the table: another writer has rewritten them. Nothing is written then. */
export class FilesGone extends Error {
  constructor(readonly locations: readonly string[]) {
    super(`${locations.length} files to be replaced are not in the table, ${locations[0]} among them`);
  }
}

/** Writes manifests and list of the table's next snapshot; it counts once the metadata is committed. */
export async function nextSnapshot(
  files: TableFiles,
  metadata: TableMetadata,
  { operation, adds, removes, summary }: SnapshotChange,
  { mergeAt, manifestBytes, now }: SnapshotOptions,
): Promise<NextSnapshot> {
  const form = formOf(metadata);
  const parent = currentSnapshot(metadata);
  const sequenceNumber = metadata['last-sequence-number'] + 1;
  const of = { snapshotId: newId(metadata), sequenceNumber };
  const written: string[] = [];
  const write = async (entries: ManifestEntry[]) => {
    const manifest = await writeManifest(files, form, entries, of);
    written.push(manifest.manifest_path);
    return manifest;
  };

  // One whose files are all gone has told so to the snapshot before.
  let manifests = (parent === undefined ? [] : await readManifestList(files, parent)).filter(
    (manifest) => manifest.added_files_count + manifest.existing_files_count > 0,
  );
  const ours = (manifest: ManifestFile) =>
    manifest.content === 0 && manifest.partition_spec_id === form.spec['spec-id'];
  let removed: DataFile[] = [];
  if (removes.length > 0) {
    const found = await findRemoved(files, form, manifests.filter(ours), removes);
    removed = found.removed;
    const entries = found.entries.map((entry) =>
      entry.status === DELETED ? { ...entry, snapshot_id: of.snapshotId } : entry,
    );
    manifests = [await write(entries), ...manifests.filter((manifest) => !found.touched.has(manifest))];
  }
  if (adds.length > 0) {
    const entry = {
      status: ADDED,
      snapshot_id: of.snapshotId,
      sequence_number: null,
      file_sequence_number: null,
    };
    manifests = [await write(adds.map((data_file) => ({ ...entry, data_file }))), ...manifests];
  }
  // What this snapshot wrote stays as it is: its entries tell what it added and took away.
  const small = (one: ManifestFile) =>
    ours(one) && Number(one.manifest_length) < manifestBytes && one.added_snapshot_id !== of.snapshotId;
  if (manifests.filter(small).length >= mergeAt)
    manifests = await merge(files, form, manifests, small, manifestBytes, write);
  const list = await writeManifestList(files, form, manifests, { ...of, parent: parent?.['snapshot-id'] });
  written.push(list);
  const snapshot: Snapshot = {
    'snapshot-id': of.snapshotId,
    ...(parent && { 'parent-snapshot-id': parent['snapshot-id'] }),
    'sequence-number': sequenceNumber,
    'timestamp-ms': Math.max(now, metadata['last-updated-ms']),
    'manifest-list': list,
    'schema-id': metadata['current-schema-id'],
    summary: { operation, ...summaryOf(parent, adds, removed), ...summary },
  };
  return { metadata: withSnapshot(metadata, snapshot), written };
}

/** What manifests of the table are written by; NonRetryable where others have given it another partitioning. */
function formOf(metadata: TableMetadata): Form {
  const schema = metadata.schemas.find((one) => one['schema-id'] === metadata['current-schema-id']);
  const spec = firstSpec(metadata);
  if (schema === undefined || spec === undefined)
    throw new Error(
      `${metadata.location}: the table's metadata lacks its schema or its first partition spec`,
    );
  return { location: metadata.location, schema, spec };
}

/** 53 bits: others may read it as a double. */
function newId(metadata: TableMetadata): number {
  for (;;) {
    const id = randomInt(1, 2 ** 48 - 1) * 32 + randomInt(32);
    if (metadata.snapshots?.every((one) => one['snapshot-id'] !== id) !== false) return id;
  }
}

interface Removal {
  touched: Set<ManifestFile>;
  removed: DataFile[];
  /** Of all manifests touched: those that stay, as existing, and those that go, as deleted. */
  entries: ManifestEntry[];
}

async function findRemoved(
  files: TableFiles,
  { spec }: Form,
  manifests: readonly ManifestFile[],
  removes: SnapshotChange['removes'],
): Promise<Removal> {
  const wanted = new Set(removes.map(({ location }) => location));
  const days = [...new Set(removes.map(({ day }) => day))];
  const removal: Removal = { touched: new Set(), removed: [], entries: [] };
  for (const manifest of manifests) {
    if (wanted.size === 0) break;
    if (!mayHold(manifest, days)) continue;
    const entries = await readManifest(files, manifest, spec);
    if (!entries.some(({ data_file }) => wanted.has(data_file.file_path))) continue;
    removal.touched.add(manifest);
    for (const entry of entries) {
      const goes = wanted.delete(entry.data_file.file_path);
      if (goes) removal.removed.push(entry.data_file);
      removal.entries.push({ ...entry, status: goes ? DELETED : EXISTING });
    }
  }
  if (wanted.size > 0) throw new FilesGone([...wanted]);
  return removal;
}

/** Small manifests become few: neighbours together, so that one still holds few days. */
async function merge(
  files: TableFiles,
  { spec }: Form,
  manifests: readonly ManifestFile[],
  small: (manifest: ManifestFile) => boolean,
  manifestBytes: number,
  write: (entries: ManifestEntry[]) => Promise<ManifestFile>,
): Promise<ManifestFile[]> {
  const kept = manifests.filter((manifest) => !small(manifest));
  let [group, bytes]: [ManifestFile[], number] = [[], 0];
  const merged: ManifestFile[] = [];
  const flush = async () => {
    if (group.length === 1) merged.push(...group);
    else if (group.length > 1) {
      const entries: ManifestEntry[] = [];
      for (const manifest of group)
        for (const entry of await readManifest(files, manifest, spec))
          entries.push({ ...entry, status: EXISTING });
      merged.push(await write(entries));
    }
    [group, bytes] = [[], 0];
  };
  for (const manifest of manifests.filter(small)) {
    if (bytes + Number(manifest.manifest_length) > manifestBytes) await flush();
    group.push(manifest);
    bytes += Number(manifest.manifest_length);
  }
  await flush();
  return [...kept, ...merged];
}

function summaryOf(
  parent: Snapshot | undefined,
  added: readonly DataFile[],
  removed: readonly DataFile[],
): Record<string, string> {
  const sum = (of: readonly DataFile[], value: (file: DataFile) => Long) =>
    of.reduce((total, file) => total + Number(value(file)), 0);
  const kinds = [
    ['data-files', () => 1],
    ['records', (file: DataFile) => file.record_count],
    ['files-size', (file: DataFile) => file.file_size_in_bytes],
  ] as const;
  const summary: Record<string, string> = {};
  for (const [kind, value] of kinds) {
    const [plus, minus] = [sum(added, value), sum(removed, value)];
    if (added.length > 0) summary[`added-${kind}`] = String(plus);
    if (removed.length > 0)
      summary[`${kind === 'files-size' ? 'removed' : 'deleted'}-${kind}`] = String(minus);
    const before = parent === undefined ? '0' : parent.summary[`total-${kind}`];
    if (before !== undefined) summary[`total-${kind}`] = String(Number(before) + plus - minus);
  }
  const days = new Set([...added, ...removed].map(({ partition }) => Object.values(partition)[0]));
  summary['changed-partition-count'] = String(days.size);
  for (const kind of ['delete-files', 'position-deletes', 'equality-deletes'])
    summary[`total-${kind}`] = parent?.summary[`total-${kind}`] ?? '0';
  return summary;
}

function withSnapshot(metadata: TableMetadata, snapshot: Snapshot): TableMetadata {
  const id = snapshot['snapshot-id'];
  const at = snapshot['timestamp-ms'];
  return {
    ...metadata,
    'last-sequence-number': Number(snapshot['sequence-number']),
    'last-updated-ms': at,
    'current-snapshot-id': id,
    snapshots: [...(metadata.snapshots ?? []), snapshot],
    'snapshot-log': [...(metadata['snapshot-log'] ?? []), { 'timestamp-ms': at, 'snapshot-id': id }],
    refs: { ...metadata.refs, main: { ...metadata.refs?.['main'], 'snapshot-id': id, type: 'branch' } },
  };
}
