/** Reads and writes manifests, which list files, and manifest lists, which list the manifests of a snapshot. */
import { randomUUID } from 'node:crypto';
import { decodeContainer, encodeContainer } from './avro/container';
import type { AvroRecord, Long } from './avro/types';
import type { DataFile } from './data-file';
import { dayField, MANIFEST_LIST_SCHEMA, manifestSchema, namesById } from './manifest-schemas';
import type { Snapshot } from './metadata';
import type { IcebergSchema, PartitionSpec } from './table-schema';
import { serialize } from './values';

export const EXISTING = 0;
export const ADDED = 1;
export const DELETED = 2;

export interface ManifestEntry {
  status: number;
  snapshot_id: Long | null;
  sequence_number: Long | null;
  file_sequence_number: Long | null;
  data_file: DataFile;
}

/** A line of a manifest list. */
export interface ManifestFile {
  manifest_path: string;
  manifest_length: Long;
  partition_spec_id: number;
  /** 0: data files; 1: files of deletes. */
  content: number;
  sequence_number: Long;
  min_sequence_number: Long;
  added_snapshot_id: Long;
  added_files_count: number;
  existing_files_count: number;
  deleted_files_count: number;
  added_rows_count: Long;
  existing_rows_count: Long;
  deleted_rows_count: Long;
  partitions?: FieldSummary[] | null;
  key_metadata?: Uint8Array | null;
}

interface FieldSummary {
  contains_null: boolean;
  contains_nan?: boolean | null;
  lower_bound?: Uint8Array | null;
  upper_bound?: Uint8Array | null;
}

/** Where the table's files are. Locations are what stands in its metadata: paths or URLs. */
export interface TableFiles {
  /** Throws where there is none. */
  read(location: string): Promise<Uint8Array>;
  /** A new name each time, so nothing is ever replaced. */
  write(location: string, bytes: Uint8Array): Promise<void>;
  /** Success where there is none. */
  remove(location: string): Promise<void>;
}

/** What a table's manifests are written by. */
export interface Form {
  /** Of the table; manifests are below it. */
  location: string;
  schema: IcebergSchema;
  spec: PartitionSpec;
}

const schemaFor = ({ fields }: PartitionSpec) =>
  manifestSchema(fields.map(({ name, 'field-id': id }) => dayField(name, id)));

export async function readManifestList(
  files: TableFiles,
  { 'manifest-list': at }: Snapshot,
): Promise<ManifestFile[]> {
  const { records } = decodeContainer(await files.read(at), LIST_NAMES);
  return records as unknown as ManifestFile[];
}

const LIST_NAMES = namesById(MANIFEST_LIST_SCHEMA);

/** The entries of files that count, with what they inherit from the list. */
export async function readManifest(
  files: TableFiles,
  manifest: ManifestFile,
  spec: PartitionSpec,
): Promise<ManifestEntry[]> {
  const all = await readEntries(files, manifest, spec);
  return all.filter(({ status }) => status !== DELETED);
}

/** All entries, also those that tell of a file taken away. */
export async function readEntries(
  files: TableFiles,
  manifest: ManifestFile,
  spec: PartitionSpec,
): Promise<ManifestEntry[]> {
  const { records } = decodeContainer(await files.read(manifest.manifest_path), namesById(schemaFor(spec)));
  return (records as unknown as ManifestEntry[]).map((entry) => ({
    ...entry,
    snapshot_id: entry.snapshot_id ?? manifest.added_snapshot_id,
    sequence_number: entry.sequence_number ?? manifest.sequence_number,
    file_sequence_number: entry.file_sequence_number ?? manifest.sequence_number,
  }));
}

/**
 * Writes a manifest for a snapshot. Entries that are added have no sequence number: they inherit it, so that the same manifest
 * would do for a later attempt.
 */
export async function writeManifest(
  files: TableFiles,
  { location, schema, spec }: Form,
  entries: readonly ManifestEntry[],
  of: { snapshotId: Long; sequenceNumber: number },
): Promise<ManifestFile> {
  const bytes = encodeContainer(schemaFor(spec), entries as unknown as AvroRecord[], {
    schema: JSON.stringify(schema),
    'schema-id': String(schema['schema-id']),
    'partition-spec': JSON.stringify(spec.fields),
    'partition-spec-id': String(spec['spec-id']),
    'format-version': '2',
    content: 'data',
  });
  const path = `${location}/metadata/${randomUUID()}-m0.avro`;
  await files.write(path, bytes);
  const counts = (wanted: number) => {
    const found = entries.filter(({ status }) => status === wanted);
    return {
      files: found.length,
      rows: found.reduce((sum, one) => sum + Number(one.data_file.record_count), 0),
    };
  };
  const [added, existing, deleted] = [counts(ADDED), counts(EXISTING), counts(DELETED)];
  const sequences = entries
    .filter(({ status }) => status !== DELETED)
    .map((entry) => Number(entry.sequence_number ?? of.sequenceNumber));
  return {
    manifest_path: path,
    manifest_length: bytes.length,
    partition_spec_id: spec['spec-id'],
    content: 0,
    sequence_number: of.sequenceNumber,
    min_sequence_number: Math.min(of.sequenceNumber, ...sequences),
    added_snapshot_id: of.snapshotId,
    added_files_count: added.files,
    existing_files_count: existing.files,
    deleted_files_count: deleted.files,
    added_rows_count: added.rows,
    existing_rows_count: existing.rows,
    deleted_rows_count: deleted.rows,
    partitions: spec.fields.map(({ name }) =>
      summarize(entries.map((entry) => entry.data_file.partition[name])),
    ),
  };
}

/** Of the days of a manifest's files, by which readers pass over it. */
function summarize(days: readonly (number | null | undefined)[]): FieldSummary {
  let [least, most, none] = [Infinity, -Infinity, false];
  for (const day of days) {
    if (day === null || day === undefined) none = true;
    else [least, most] = [Math.min(least, day), Math.max(most, day)];
  }
  const bound = (day: number) => (Number.isFinite(day) ? serialize('date', day) : null);
  return { contains_null: none, contains_nan: false, lower_bound: bound(least), upper_bound: bound(most) };
}

/** Whether a manifest may list a file of one of these days. */
export function mayHold({ partitions }: ManifestFile, days: readonly number[]): boolean {
  const [lower, upper] = [partitions?.[0]?.lower_bound, partitions?.[0]?.upper_bound];
  if (!lower || !upper) return true;
  const [least, most] = [lower, upper].map((bound) => Buffer.from(bound).readInt32LE()) as [number, number];
  return days.some((day) => least <= day && day <= most);
}

export async function writeManifestList(
  files: TableFiles,
  { location }: Form,
  manifests: readonly ManifestFile[],
  of: { snapshotId: Long; sequenceNumber: number; parent: Long | undefined },
): Promise<string> {
  const path = `${location}/metadata/snap-${of.snapshotId}-1-${randomUUID()}.avro`;
  await files.write(
    path,
    encodeContainer(MANIFEST_LIST_SCHEMA, manifests as unknown as AvroRecord[], {
      'snapshot-id': String(of.snapshotId),
      'parent-snapshot-id': String(of.parent ?? null),
      'sequence-number': String(of.sequenceNumber),
      'format-version': '2',
    }),
  );
  return path;
}
