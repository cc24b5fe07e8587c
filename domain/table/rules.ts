/** What a row must be to land, and the codes and words of what it is not. */
import type { Column, FailureCode, Row, Value } from './table';

/** `not null`, `above 0` (and not null), `not blank`: not null, nor empty after trimming. */
export interface Rule {
  column: string;
  must: 'be not null' | 'be above 0' | 'be not blank';
}

export interface CheckedRule {
  code: FailureCode;
  /** Place of the column in a row. */
  at: number;
  must: Rule['must'];
  words: string;
}

const RULES: Record<
  Rule['must'],
  { suffix: string; words: string; types: readonly Column['type'][] | 'all' }
> = {
  'be not null': { suffix: 'null', words: 'is null', types: 'all' },
  'be above 0': {
    suffix: 'not_positive',
    words: 'is null or not above 0',
    types: ['bigint', 'integer', 'decimal', 'double'],
  },
  'be not blank': { suffix: 'empty', words: 'is null or empty after trimming', types: ['text'] },
};

/** The rules with their codes, `<column>_null` and the like. Throws a RangeError for one that its column cannot have. */
export function rulesOf(columns: readonly Column[], rules: readonly Rule[]): CheckedRule[] {
  return rules.map(({ column: name, must }) => {
    const at = columns.findIndex((column) => column.name === name);
    const { suffix, words, types } = RULES[must];
    const column = columns[at];
    if (column === undefined || !(types === 'all' || types.includes(column.type)))
      throw new RangeError(`no column ${name} that could ${must}`);
    return { code: `${name}_${suffix}`, at, must, words: `${name} ${words}` };
  });
}

/**
 * Codes of the rules that a row breaks, in the rules' order.
 * Raise the description's `ruleSetVersion` with any change of what is accepted here.
 */
export function brokenRules({ rules }: { rules: readonly CheckedRule[] }, row: Row): FailureCode[] {
  const broken: FailureCode[] = [];
  for (const { code, at, must } of rules) if (!holds(must, row[at] as Value)) broken.push(code);
  return broken;
}

function holds(must: Rule['must'], value: Value): boolean {
  if (value === null) return false;
  switch (must) {
    case 'be not null':
      return true;
    case 'be above 0':
      return (value as bigint | number) > 0;
    case 'be not blank':
      // What JavaScript's trim removes: all Unicode white space, line ends and U+FEFF.
      return (value as string).trim() !== '';
  }
}

/** Why a value of the column is none, by the column's type. */
function unreadable(column: Column): string {
  switch (column.type) {
    case 'bigint':
      return 'not a whole number of 64 bits';
    case 'integer':
      return 'not a whole number of 32 bits';
    case 'decimal':
      return `not a number that DECIMAL(${column.precision},${column.scale}) holds exactly`;
    case 'double':
      return 'not a number that a double holds';
    case 'boolean':
      return 'neither true nor false';
    case 'uuid':
      return 'not a UUID';
    case 'date':
      return 'not a date';
    case 'timestamp':
    case 'timestamptz':
      return 'not a timestamp with at most six decimals';
    case 'text':
    case 'json':
      return 'not text';
  }
}

export const MALFORMED = 'malformed_json';
export const BATCH_UNREADABLE = 'batch_unreadable';
export const OVERSIZED = 'row_oversized';
/** One code for all columns of text. */
export const TEXT_UNREADABLE = 'text_unreadable';
export const isText = ({ type }: Column) => type === 'text' || type === 'json';
export const unreadableCode = ({ name }: Column): FailureCode => `${name}_unreadable`;
/** The position is no rule's: without it a row cannot be filed under its date. */
export const missingCode = ({ name }: Column): FailureCode => `${name}_missing`;

/** All codes with their words, in the order in which they are listed. */
export function failuresOf(
  columns: readonly Column[],
  positionAt: number,
  rules: readonly CheckedRule[],
): Record<FailureCode, string> {
  const position = columns[positionAt]!;
  const others = columns.filter((column) => column !== position && !isText(column));
  const words = (column: Column) => [unreadableCode(column), `${column.name} is ${unreadable(column)}`];
  return Object.fromEntries([
    ...rules.map((rule) => [rule.code, rule.words]),
    [MALFORMED, 'the value is missing, not UTF-8, or not a JSON object of at most 8 MiB and 200 levels'],
    ...others.map(words),
    [TEXT_UNREADABLE, 'a text column holds something other than text'],
    [missingCode(position), `${position.name} is null or absent`],
    words(position),
    [OVERSIZED, 'the row was larger than the topic takes; the file that the message names holds it whole'],
    [
      BATCH_UNREADABLE,
      'the record batch holds no records that can be read; the value is the whole batch as Kafka stores it',
    ],
  ]) as Record<FailureCode, string>;
}
