/** Avro as far as Iceberg's manifests use it. */

/** A whole number of 64 bits: a `number` wherever that is exact, so that equal ones are `===`. */
export type Long = number | bigint;

export type AvroValue = null | boolean | Long | string | Uint8Array | AvroValue[] | AvroRecord;
export interface AvroRecord {
  [field: string]: AvroValue | undefined;
}

type Primitive = 'null' | 'boolean' | 'int' | 'long' | 'float' | 'double' | 'bytes' | 'string';

export interface AvroField {
  name: string;
  type: AvroSchema;
  /** By which a reader knows it, whatever it is called. */
  'field-id'?: number;
  default?: null;
}

export type AvroSchema =
  | Primitive
  | AvroSchema[]
  | { type: Primitive; logicalType?: string }
  | { type: 'record'; name: string; fields: AvroField[] }
  | { type: 'array'; items: AvroSchema; logicalType?: string; 'element-id'?: number }
  | { type: 'map'; values: AvroSchema }
  | { type: 'fixed'; name: string; size: number; logicalType?: string };

/** The number where it is exact. */
export function longOf(value: bigint): Long {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
