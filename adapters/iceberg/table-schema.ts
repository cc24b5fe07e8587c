/** What the table is in Iceberg, from its description. Field ids are those of the Parquet files. */
import type { Column, Table } from '../../domain/table/table';

export interface IcebergField {
  id: number;
  name: string;
  required: boolean;
  type: string;
}

export interface IcebergSchema {
  type: 'struct';
  'schema-id': number;
  'identifier-field-ids': number[];
  fields: IcebergField[];
}

interface PartitionField {
  'source-id': number;
  'field-id': number;
  name: string;
  transform: string;
}

export interface PartitionSpec {
  'spec-id': number;
  fields: PartitionField[];
}

interface SortOrder {
  'order-id': number;
  fields: { transform: string; 'source-id': number; direction: 'asc'; 'null-order': 'nulls-first' }[];
}

/** Ids of partition fields begin here in all tables. */
const FIRST_PARTITION_FIELD = 1000;

/** The columns and `validation_status`, as lake files have them. Only the key is never null, as an identifier must be. */
export function schemaOf(table: Table): IcebergSchema {
  const { key, columns, ownFieldId } = table;
  return {
    type: 'struct',
    'schema-id': 0,
    'identifier-field-ids': [key.fieldId],
    fields: [
      ...columns.map((column) => ({
        id: column.fieldId,
        name: column.name,
        required: column === key,
        type: typeOf(column),
      })),
      { id: ownFieldId.validation_status, name: 'validation_status', required: false, type: 'string' },
    ],
  };
}

/** By the day of the position, as the `date=…` directories are. */
export function partitionOf({ position }: Table): PartitionSpec {
  const field = { 'source-id': position.fieldId, 'field-id': FIRST_PARTITION_FIELD };
  return { 'spec-id': 0, fields: [{ ...field, name: `${position.name}_day`, transform: 'day' }] };
}

/** The order of rows in each file: by position, then key. */
export function sortOrderOf({ position, key }: Table): SortOrder {
  const rising = { transform: 'identity', direction: 'asc', 'null-order': 'nulls-first' } as const;
  return {
    'order-id': 1,
    fields: [position, key].map(({ fieldId }) => ({ ...rising, 'source-id': fieldId })),
  };
}

/** Which fields the columns of files without ids are: those of versions before 0.4.0. */
export function nameMapping({ fields }: IcebergSchema): string {
  return JSON.stringify(fields.map(({ id, name }) => ({ 'field-id': id, names: [name] })));
}

function typeOf(column: Column): string {
  switch (column.type) {
    case 'bigint':
      return 'long';
    case 'integer':
      return 'int';
    case 'decimal':
      return `decimal(${column.precision}, ${column.scale})`;
    case 'text':
    case 'json':
      return 'string';
    case 'double':
    case 'boolean':
    case 'uuid':
    case 'date':
    case 'timestamp':
    case 'timestamptz':
      return column.type;
  }
}
