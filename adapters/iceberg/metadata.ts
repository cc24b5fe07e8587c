/** The table's metadata file: of version 2, and as others wrote it. Fields that we know nothing of are kept. */
import { randomUUID } from 'node:crypto';
import { isInteger, parse, stringify } from 'lossless-json';
import type { Table } from '../../domain/table/table';
import { longOf, type Long } from './avro/types';
import {
  nameMapping,
  partitionOf,
  schemaOf,
  sortOrderOf,
  type IcebergSchema,
  type PartitionSpec,
} from './table-schema';

export interface Snapshot {
  'snapshot-id': Long;
  'parent-snapshot-id'?: Long;
  'sequence-number': Long;
  'timestamp-ms': number;
  'manifest-list': string;
  'schema-id'?: number;
  summary: Record<string, string> & { operation: string };
}

export interface TableMetadata {
  'format-version': number;
  'table-uuid': string;
  location: string;
  'last-sequence-number': number;
  'last-updated-ms': number;
  'last-column-id': number;
  'current-schema-id': number;
  schemas: IcebergSchema[];
  'default-spec-id': number;
  'partition-specs': PartitionSpec[];
  'last-partition-id': number;
  'default-sort-order-id': number;
  'sort-orders': unknown[];
  properties: Record<string, string>;
  /** -1 or absent for none. */
  'current-snapshot-id'?: Long | null;
  snapshots?: Snapshot[];
  'snapshot-log'?: { 'timestamp-ms': number; 'snapshot-id': Long }[];
  'metadata-log'?: { 'timestamp-ms': number; 'metadata-file': string }[];
  refs?: Record<string, { 'snapshot-id': Long; type: 'branch' | 'tag' }>;
}

/** A table without rows. */
export function newMetadata(
  table: Table,
  location: string,
  properties: Record<string, string>,
  now: number,
): TableMetadata {
  const [schema, spec, order] = [schemaOf(table), partitionOf(table), sortOrderOf(table)];
  return {
    'format-version': 2,
    'table-uuid': randomUUID(),
    location,
    'last-sequence-number': 0,
    'last-updated-ms': now,
    'last-column-id': Math.max(...schema.fields.map(({ id }) => id)),
    'current-schema-id': schema['schema-id'],
    schemas: [schema],
    'default-spec-id': spec['spec-id'],
    'partition-specs': [spec],
    'last-partition-id': Math.max(...spec.fields.map((field) => field['field-id'])),
    'default-sort-order-id': order['order-id'],
    'sort-orders': [order],
    properties: { 'schema.name-mapping.default': nameMapping(schema), ...properties },
    'current-snapshot-id': -1,
    snapshots: [],
    'snapshot-log': [],
    'metadata-log': [],
    refs: {},
  };
}

/** Numbers above 2^53, as other writers' ids are, stay exact. Throws where it is no metadata of a version that is written here. */
export function parseMetadata(text: string, location: string): TableMetadata {
  return requireVersion(parseExactly(text) as TableMetadata, location);
}

/** JSON whose whole numbers stay exact, also above 2^53. */
export function parseExactly(text: string): unknown {
  return parse(text, undefined, (number) => (isInteger(number) ? longOf(BigInt(number)) : Number(number)));
}

/** Throws where it is no metadata of a version that is written here. */
export function requireVersion(metadata: TableMetadata, location: string): TableMetadata {
  if (metadata?.['format-version'] !== 2)
    throw new Error(
      `${location} is no metadata of an Iceberg table of version 2, but of version ${String(metadata?.['format-version'])}. ` +
        'Take the table away from its catalog: the next publishing makes it anew from the ledger',
    );
  metadata.properties ??= {};
  return metadata;
}

export function printMetadata(metadata: TableMetadata): string {
  return stringify(metadata) as string;
}

/** The newest of the main branch; `undefined` or `null` or -1 where there is none. */
export function mainSnapshotId({ refs, ...metadata }: TableMetadata): Long | null | undefined {
  return refs?.['main']?.['snapshot-id'] ?? metadata['current-snapshot-id'];
}

/** The partitioning that tables are made with here; `undefined` where others have taken it away. */
export function firstSpec(metadata: TableMetadata): PartitionSpec | undefined {
  return metadata['partition-specs'].find((one) => one['spec-id'] === 0);
}

export function currentSnapshot(metadata: TableMetadata): Snapshot | undefined {
  const id = mainSnapshotId(metadata);
  return metadata.snapshots?.find((snapshot) => snapshot['snapshot-id'] === id);
}

/** Metadata files that readers may still be at, as the log of them is bounded in other writers by default. */
const METADATA_LOG = 100;

/** With where it was before, as the next one tells. */
export function withPrevious(next: TableMetadata, base: TableMetadata, location: string): TableMetadata {
  const previous = { 'timestamp-ms': base['last-updated-ms'], 'metadata-file': location };
  return { ...next, 'metadata-log': [...(base['metadata-log'] ?? []), previous].slice(-METADATA_LOG) };
}
