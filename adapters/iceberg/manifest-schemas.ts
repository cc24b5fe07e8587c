/** What stands in manifests and manifest lists of version 2: names, types and ids of the fields, by the public specification. */
import type { AvroField, AvroSchema } from './avro/types';

const required = (name: string, type: AvroSchema, id: number): AvroField => ({ name, type, 'field-id': id });
const optional = (name: string, type: AvroSchema, id: number): AvroField => ({
  name,
  type: ['null', type],
  default: null,
  'field-id': id,
});

/** Avro's own maps have keys of text only. */
const mapOf = (key: number, value: number, type: AvroSchema): AvroSchema => ({
  type: 'array',
  logicalType: 'map',
  items: {
    type: 'record',
    name: `k${key}_v${value}`,
    fields: [required('key', 'int', key), required('value', type, value)],
  },
});
const listOf = (element: number, type: AvroSchema): AvroSchema => ({
  type: 'array',
  items: type,
  'element-id': element,
});

/** Entries of a manifest whose files have these partition values. */
export function manifestSchema(partition: readonly AvroField[]): AvroSchema {
  const dataFile: AvroSchema = {
    type: 'record',
    name: 'r2',
    fields: [
      required('content', 'int', 134),
      required('file_path', 'string', 100),
      required('file_format', 'string', 101),
      required('partition', { type: 'record', name: 'r102', fields: [...partition] }, 102),
      required('record_count', 'long', 103),
      required('file_size_in_bytes', 'long', 104),
      optional('column_sizes', mapOf(117, 118, 'long'), 108),
      optional('value_counts', mapOf(119, 120, 'long'), 109),
      optional('null_value_counts', mapOf(121, 122, 'long'), 110),
      optional('nan_value_counts', mapOf(138, 139, 'long'), 137),
      optional('lower_bounds', mapOf(126, 127, 'bytes'), 125),
      optional('upper_bounds', mapOf(129, 130, 'bytes'), 128),
      optional('key_metadata', 'bytes', 131),
      optional('split_offsets', listOf(133, 'long'), 132),
      optional('equality_ids', listOf(136, 'int'), 135),
      optional('sort_order_id', 'int', 140),
      optional('referenced_data_file', 'string', 143),
    ],
  };
  return {
    type: 'record',
    name: 'manifest_entry',
    fields: [
      required('status', 'int', 0),
      optional('snapshot_id', 'long', 1),
      optional('sequence_number', 'long', 3),
      optional('file_sequence_number', 'long', 4),
      required('data_file', dataFile, 2),
    ],
  };
}

/** A partition value that is a day: the result of the transform `day`. */
export const dayField = (name: string, id: number): AvroField =>
  optional(name, { type: 'int', logicalType: 'date' }, id);

const FIELD_SUMMARY: AvroSchema = {
  type: 'record',
  name: 'r508',
  fields: [
    required('contains_null', 'boolean', 509),
    optional('contains_nan', 'boolean', 518),
    optional('lower_bound', 'bytes', 510),
    optional('upper_bound', 'bytes', 511),
  ],
};

export const MANIFEST_LIST_SCHEMA: AvroSchema = {
  type: 'record',
  name: 'manifest_file',
  fields: [
    required('manifest_path', 'string', 500),
    required('manifest_length', 'long', 501),
    required('partition_spec_id', 'int', 502),
    required('content', 'int', 517),
    required('sequence_number', 'long', 515),
    required('min_sequence_number', 'long', 516),
    required('added_snapshot_id', 'long', 503),
    required('added_files_count', 'int', 504),
    required('existing_files_count', 'int', 505),
    required('deleted_files_count', 'int', 506),
    required('added_rows_count', 'long', 512),
    required('existing_rows_count', 'long', 513),
    required('deleted_rows_count', 'long', 514),
    optional('partitions', listOf(508, FIELD_SUMMARY), 507),
    optional('key_metadata', 'bytes', 519),
  ],
};

/** Our names of all fields with an id, by which files of other writers are read. */
export function namesById(schema: AvroSchema, names = new Map<number, string>()): Map<number, string> {
  if (Array.isArray(schema)) for (const branch of schema) namesById(branch, names);
  else if (typeof schema === 'object' && schema.type === 'array') namesById(schema.items, names);
  else if (typeof schema === 'object' && schema.type === 'record')
    for (const { name, type, 'field-id': id } of schema.fields) {
      if (id !== undefined) names.set(id, name);
      namesById(type, names);
    }
  return names;
}
