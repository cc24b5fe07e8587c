/**
 * What each column is in a Parquet file. Fields have ids, by which table formats know a column whatever it is called; files of
 * versions before 0.4.0 have none, and are read by the columns' names.
 */
import type { SchemaElement } from 'hyparquet';
import type { Column, OwnField } from '../../../domain/table/table';

type ParquetType = Omit<SchemaElement, 'name'>;

/** Both annotations, converted_type for old readers and logical_type for new. */
const TEXT: ParquetType = {
  type: 'BYTE_ARRAY',
  converted_type: 'UTF8',
  logical_type: { type: 'STRING' },
};
const BYTES: ParquetType = { type: 'BYTE_ARRAY' };

/** Microseconds since 1970. Spark's reader of Iceberg tables fails on milliseconds, which Kafka counts in. */
const INSTANT: ParquetType = {
  type: 'INT64',
  converted_type: 'TIMESTAMP_MICROS',
  logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS' },
};

export const OWN_TYPES: Record<OwnField, ParquetType> = {
  validation_status: TEXT,
  failed_rules: TEXT,
  error: TEXT,
  raw_value: BYTES,
  raw_key: BYTES,
  kafka_partition: { type: 'INT32' },
  kafka_offset: { type: 'INT64' },
  kafka_timestamp: INSTANT,
};

/** The field of a column of the table. */
export function fieldOf(column: Column): SchemaElement {
  return { name: column.name, ...typeOf(column), field_id: column.fieldId };
}

function typeOf(column: Column): ParquetType {
  switch (column.type) {
    case 'bigint':
      return { type: 'INT64' };
    case 'integer':
      return { type: 'INT32' };
    case 'decimal': {
      const { precision, scale } = column;
      return {
        type: 'INT64',
        converted_type: 'DECIMAL',
        precision,
        scale,
        logical_type: { type: 'DECIMAL', precision, scale },
      };
    }
    case 'double':
      return { type: 'DOUBLE' };
    case 'boolean':
      return { type: 'BOOLEAN' };
    case 'text':
    case 'json':
      return TEXT;
    case 'uuid':
      return { type: 'FIXED_LEN_BYTE_ARRAY', type_length: 16, logical_type: { type: 'UUID' } };
    case 'date':
      return { type: 'INT32', converted_type: 'DATE', logical_type: { type: 'DATE' } };
    case 'timestamp':
      // converted_type has no word for a time of no zone.
      return { type: 'INT64', logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: false, unit: 'MICROS' } };
    case 'timestamptz':
      return INSTANT;
  }
}
