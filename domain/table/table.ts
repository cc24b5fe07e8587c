/**
 * A table as data. Whatever depends on its columns (the statements of capture, the parser of messages, the rules, the
 * schema of the files, what verify compares) is compiled from this once. The table itself: see orders.ts.
 */
import { failuresOf, rulesOf, type CheckedRule, type Rule } from './rules';

/**
 * What a column may hold, and what stands for it in a {@link Row}. A decimal is its unscaled whole number, so 19.99 is
 * 1999; it is a bigint beyond {@link EXACT_DIGITS} digits, where a double is no longer exact.
 */
type ColumnType =
  | { type: 'bigint' } // bigint
  | { type: 'integer' } // number
  | { type: 'decimal'; precision: number; scale: number } // number or bigint
  | { type: 'double' } // number
  | { type: 'boolean' } // boolean
  | { type: 'text' } // string
  | { type: 'json' } // string: the JSON as PostgreSQL prints it
  | { type: 'uuid' } // string of 36 characters
  | { type: 'date' } // number: days since 1970-01-01
  | { type: 'timestamp' } // bigint: microseconds since 1970-01-01 on the clock of no zone
  | { type: 'timestamptz' }; // bigint: microseconds since 1970-01-01T00:00:00Z

export type Column = ColumnType & {
  /** In the source, the messages and the files. */
  name: string;
  /** Of the field in Parquet files. Never given to another column, also after this one is gone. */
  fieldId: number;
  /** A text that is never what makes a row too large for the topic. */
  short?: true;
};

export interface TableDescription {
  /** In the order of messages and files. Any may be null in the source; a rule keeps nulls out of the lake. */
  columns: readonly Column[];
  /** The bigint that names a row. */
  key: string;
  /** The timestamptz by which rows are captured and filed under dates. The source's may be a `timestamp` that is read in a set zone. */
  position: string;
  /** A decimal that `verify` and `status` add up for people. */
  total: string;
  /** In the order in which broken ones are listed. */
  rules: readonly Rule[];
  /** Raised whenever a rule changes what it accepts; recorded in every ledger entry. */
  ruleSetVersion: number;
  /** The first id of the fields that files have beside the columns, see {@link OWN_FIELDS}. */
  ownFieldIds: number;
}

/** Fields of the files that are not columns of the table; those after the first stand in quarantine only. In the order of their ids. */
const OWN_FIELDS = [
  'validation_status',
  'failed_rules',
  'error',
  'raw_value',
  'raw_key',
  'kafka_partition',
  'kafka_offset',
  'kafka_timestamp',
] as const;

export type OwnField = (typeof OWN_FIELDS)[number];

/** A value on its way from Kafka to Parquet: see {@link ColumnType}. */
export type Value = bigint | number | string | boolean | null;

/** A value a column, in the table's order; `null` also where the message lacks the field, or it cannot be read. */
export type Row = readonly Value[];

/** A code out of {@link Table.failures}. */
export type FailureCode = string;

/** A description, checked, with what is derived from it. */
export interface Table {
  columns: readonly Column[];
  names: readonly string[];
  key: Column;
  position: Column;
  total: Column & { type: 'decimal' };
  /** Places of the three in a {@link Row}. */
  keyAt: number;
  positionAt: number;
  totalAt: number;
  rules: readonly CheckedRule[];
  ruleSetVersion: number;
  /** Why a message may not become a row of the lake, and in words: the rules first, then what cannot be read at all. */
  failures: Readonly<Record<FailureCode, string>>;
  ownFieldId: Readonly<Record<OwnField, number>>;
  /** The row of a message of which nothing could be read. */
  nothing: Row;
}

/** Decimals up to this many digits are whole numbers that a double holds exactly. */
export const EXACT_DIGITS = 15;

/** The widest decimal that 64 bits hold. */
const WIDEST_DECIMAL = 18;

/** Checks a description and derives the rest; throws a RangeError where it contradicts itself. */
export function defineTable(description: TableDescription): Table {
  const { columns, ruleSetVersion, ownFieldIds } = description;
  const names = columns.map(({ name }) => name);
  const placeOf = (name: string, type: ColumnType['type']) => {
    const at = names.indexOf(name);
    if (columns[at]?.type !== type) throw new RangeError(`${name} is not a column of type ${type}`);
    return at;
  };
  const ownFieldId = Object.fromEntries(
    OWN_FIELDS.map((name, place) => [name, ownFieldIds + place]),
  ) as Record<OwnField, number>;
  refuseTwice('column', [...names, ...OWN_FIELDS]);
  refuseTwice('field id', [...columns.map(({ fieldId }) => fieldId), ...Object.values(ownFieldId)]);
  for (const column of columns) {
    if (column.type !== 'decimal') continue;
    const { name, precision, scale } = column;
    if (precision > WIDEST_DECIMAL || scale > precision || scale < 0)
      throw new RangeError(`${name}: decimal(${precision},${scale}) has no place in 64 bits`);
  }
  const keyAt = placeOf(description.key, 'bigint');
  const positionAt = placeOf(description.position, 'timestamptz');
  const totalAt = placeOf(description.total, 'decimal');
  const rules = rulesOf(columns, description.rules);
  return {
    columns,
    names,
    keyAt,
    positionAt,
    totalAt,
    key: columns[keyAt]!,
    position: columns[positionAt]!,
    total: columns[totalAt] as Table['total'],
    rules,
    ruleSetVersion,
    failures: failuresOf(columns, positionAt, rules),
    ownFieldId,
    nothing: columns.map(() => null),
  };
}

function refuseTwice(what: string, values: readonly (string | number)[]): void {
  const twice = values.find((value, index) => values.indexOf(value) !== index);
  if (twice !== undefined) throw new RangeError(`${what} ${twice} is there twice`);
}

/** The key of a row; `null` where it has none. */
export function keyOf({ keyAt }: Table, row: Row): bigint | null {
  return row[keyAt] as bigint | null;
}

/** The position of a row in microseconds since 1970-01-01T00:00:00Z; `null` where it has none. */
export function microsOf({ positionAt }: Table, row: Row): bigint | null {
  return row[positionAt] as bigint | null;
}
