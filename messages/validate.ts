import {
  BATCH_UNREADABLE,
  brokenRules,
  isText,
  MALFORMED,
  missingCode,
  OVERSIZED,
  TEXT_UNREADABLE,
  unreadableCode,
} from '../domain/table/rules';
import type { FailureCode, Row, Table } from '../domain/table/table';
import { anyFormReader } from './read-any-form';
import { wireScanner } from './scan-wire';
import type { Values } from './wire-values';

/** What became of a message: a row of the lake, which has key and position, or every reason against it and what could be read. */
export type ValidationResult =
  | { accepted: Row; order?: never; failures?: never }
  | { accepted?: never; order: Row; failures: readonly FailureCode[] };

/**
 * Makes what reads a message's value and applies the rules. The result depends on the value's bytes alone, so every attempt
 * of a batch validates alike. A bad message is a result; nothing is thrown.
 */
export function createValidator(
  table: Table,
): (message: { value: Buffer | null; unreadable?: string }) => ValidationResult {
  const { keyAt, positionAt, nothing } = table;
  const scanWire = wireScanner(table);
  const readAnyForm = anyFormReader(table);
  const failuresOf = failuresIn(table);
  const noRecords: ValidationResult = { order: nothing, failures: [BATCH_UNREADABLE] };
  const malformed: ValidationResult = { order: nothing, failures: [MALFORMED] };

  const resultOf = (values: Values): ValidationResult => {
    const row = values.includes(undefined) ? readable(values) : (values as Row);
    const broken = brokenRules(table, row);
    if (broken.length === 0 && row === values && row[keyAt] !== null && row[positionAt] !== null)
      return { accepted: row };
    return { order: row, failures: failuresOf(values, broken) };
  };

  return ({ value, unreadable }) => {
    if (unreadable !== undefined) return noRecords;
    if (value === null) return malformed;
    const scanned = scanWire(value);
    if (scanned !== undefined) return resultOf(scanned);
    const read = readAnyForm(value);
    if (read === undefined) return malformed;
    // Its texts are in a file, so the rules about them have nothing to validate.
    return read.oversized ? { order: readable(read.values), failures: [OVERSIZED] } : resultOf(read.values);
  };
}

function readable(values: Values): Row {
  return values.map((value) => value ?? null);
}

/** The broken rules, and what could not be read at all: that is reported as such, not as null too. */
function failuresIn({ columns, positionAt, rules }: Table) {
  const columnOf = new Map(rules.map(({ code, at }) => [code, at]));
  const places = columns.map((column, at) => ({ column, at }));
  const others = places.filter(({ column, at }) => at !== positionAt && !isText(column));
  const texts = places.filter(({ column }) => isText(column));
  const position = columns[positionAt]!;
  return (values: Values, broken: readonly FailureCode[]): FailureCode[] => {
    const failures = broken.filter((code) => values[columnOf.get(code) ?? -1] !== undefined);
    for (const { column, at } of others) if (values[at] === undefined) failures.push(unreadableCode(column));
    if (texts.some(({ at }) => values[at] === undefined)) failures.push(TEXT_UNREADABLE);
    if (values[positionAt] === null) failures.push(missingCode(position));
    if (values[positionAt] === undefined) failures.push(unreadableCode(position));
    return failures;
  };
}
