/** Takes old snapshots away, and tells which files no snapshot names any more. */
import type { Long } from './avro/types';
import type { DataFile } from './data-file';
import {
  DELETED,
  mayHold,
  readEntries,
  readManifest,
  readManifestList,
  type ManifestFile,
  type TableFiles,
} from './manifests';
import { currentSnapshot, firstSpec, type Snapshot, type TableMetadata } from './metadata';

export interface Expiry {
  metadata: TableMetadata;
  expired: number;
  /** Metadata that only the expired snapshots named. */
  metadataFiles: string[];
  /** Data files that only they named. */
  dataFiles: string[];
}

/**
 * Without the snapshots of the main branch that are older than a time, but for the newest `keep`. Nothing is removed here: do that
 * with what is returned, once the metadata is committed.
 *
 * Data files are told by the entries of the manifests in which an expired snapshot took them away, which needs no look at all
 * others. That holds while nothing but the main branch names snapshots: with other branches or tags nothing expires.
 */
export async function expire(
  files: TableFiles,
  metadata: TableMetadata,
  { olderThan, keep }: { olderThan: number; keep: number },
): Promise<Expiry> {
  const history = ancestors(metadata);
  const onlyMain = Object.keys(metadata.refs ?? {}).every((name) => name === 'main');
  const from = history.findIndex((one, at) => at >= Math.max(keep, 1) && one['timestamp-ms'] < olderThan);
  const old = from < 0 ? [] : history.slice(from);
  const none = { metadata, expired: 0, metadataFiles: [], dataFiles: [] };
  if (!onlyMain || old.length === 0) return none;
  const ids = new Set<Long>(old.map((one) => one['snapshot-id']));
  const kept = (metadata.snapshots ?? []).filter((one) => !ids.has(one['snapshot-id']));

  const inUse = new Map<string, ManifestFile>();
  for (const snapshot of kept)
    for (const manifest of await readManifestList(files, snapshot))
      inUse.set(manifest.manifest_path, manifest);
  const metadataFiles = new Set<string>();
  const gone: DataFile[] = [];
  const spec = firstSpec(metadata);
  for (const snapshot of old) {
    metadataFiles.add(snapshot['manifest-list']);
    for (const manifest of await readManifestList(files, snapshot)) {
      if (!inUse.has(manifest.manifest_path)) metadataFiles.add(manifest.manifest_path);
      const tells =
        manifest.added_snapshot_id === snapshot['snapshot-id'] && manifest.deleted_files_count > 0;
      if (!tells || spec === undefined || manifest.partition_spec_id !== spec['spec-id']) continue;
      for (const entry of await readEntries(files, manifest, spec))
        if (entry.status === DELETED && ids.has(entry.snapshot_id as Long)) gone.push(entry.data_file);
    }
  }
  const dataFiles = new Set(gone.map(({ file_path }) => file_path));
  const days = gone.flatMap(({ partition }) => Object.values(partition)[0] ?? []);
  // One that came back since stays.
  for (const manifest of inUse.values())
    if (
      dataFiles.size > 0 &&
      spec !== undefined &&
      manifest.partition_spec_id === 0 &&
      mayHold(manifest, days)
    )
      for (const entry of await readManifest(files, manifest, spec))
        dataFiles.delete(entry.data_file.file_path);
  const next: TableMetadata = {
    ...metadata,
    snapshots: kept,
    'snapshot-log': (metadata['snapshot-log'] ?? []).filter((one) => !ids.has(one['snapshot-id'])),
  };
  return {
    metadata: next,
    expired: old.length,
    metadataFiles: [...metadataFiles],
    dataFiles: [...dataFiles],
  };
}

/** The main branch's snapshots, the newest first. */
function ancestors(metadata: TableMetadata): Snapshot[] {
  const byId = new Map(metadata.snapshots?.map((one) => [one['snapshot-id'], one]));
  const history: Snapshot[] = [];
  for (let at = currentSnapshot(metadata); at !== undefined;) {
    history.push(at);
    const parent: Long | undefined = at['parent-snapshot-id'];
    at = parent === undefined ? undefined : byId.get(parent);
  }
  return history;
}
