/** A table of 20 columns, of every type, and a row of it. */
import { defineTable, type Row, type TableDescription } from '../../domain/table/table';

export const DESCRIPTION: TableDescription = {
  columns: [
    { name: 'payer', type: 'text', fieldId: 1 },
    { name: 'payment_no', type: 'bigint', fieldId: 2 },
    { name: 'booked', type: 'timestamptz', fieldId: 3 },
    { name: 'fee', type: 'decimal', precision: 18, scale: 4, fieldId: 4 },
    { name: 'rate', type: 'decimal', precision: 7, scale: 6, fieldId: 5 },
    { name: 'price', type: 'decimal', precision: 15, scale: 3, fieldId: 6 },
    { name: 'share', type: 'decimal', precision: 4, scale: 4, fieldId: 7 },
    { name: 'points', type: 'decimal', precision: 12, scale: 0, fieldId: 8 },
    { name: 'clicks', type: 'integer', fieldId: 9 },
    { name: 'score', type: 'double', fieldId: 10 },
    { name: 'paid', type: 'boolean', fieldId: 11 },
    { name: 'reference', type: 'uuid', fieldId: 12 },
    { name: 'details', type: 'json', fieldId: 13 },
    { name: 'due', type: 'date', fieldId: 14 },
    { name: 'local_time', type: 'timestamp', fieldId: 15 },
    { name: 'seen', type: 'timestamptz', fieldId: 16 },
    { name: 'other_no', type: 'bigint', fieldId: 17 },
    { name: 'order', type: 'text', fieldId: 18 },
    { name: 'Note "1"', type: 'text', fieldId: 19 },
    { name: 'empty', type: 'text', fieldId: 20 },
  ],
  key: 'payment_no',
  position: 'booked',
  total: 'fee',
  rules: [
    { column: 'payment_no', must: 'be not null' },
    { column: 'fee', must: 'be above 0' },
    { column: 'payer', must: 'be not blank' },
    { column: 'reference', must: 'be not null' },
    { column: 'clicks', must: 'be above 0' },
  ],
  ruleSetVersion: 1,
  ownFieldIds: 101,
};
export const PAYMENTS = defineTable(DESCRIPTION);

/** As row_to_json prints it, from PostgreSQL 18. */
const WIRE: Record<string, string> = {
  payer: '"Zoë \\"Z\\" 🍜"',
  payment_no: '9223372036854775807',
  booked: '"2025-11-18T10:00:00.123456Z"',
  fee: '99999999999999.9999',
  rate: '0.000001',
  price: '-123456789012.345',
  share: '0.9999',
  points: '999999999999',
  clicks: '2147483647',
  score: '0.1',
  paid: 'true',
  reference: '"00112233-4455-6677-8899-aabbccddeeff"',
  details: '"{\\"a\\": [1, 12345678901234567890.123456789]}"',
  due: '"2024-02-29"',
  local_time: '"1969-12-31T23:59:59.999999"',
  seen: '"9999-12-31T23:59:59.999999Z"',
  other_no: '-9007199254740993',
  order: '"a\\tb"',
  'Note "1"': '"x"',
  empty: 'null',
};
export const ROW: Row = [
  'Zoë "Z" 🍜',
  9_223_372_036_854_775_807n,
  1_763_460_000_123_456n,
  999_999_999_999_999_999n,
  1,
  -123_456_789_012_345,
  9_999,
  999_999_999_999,
  2_147_483_647,
  0.1,
  true,
  '00112233-4455-6677-8899-aabbccddeeff',
  '{"a": [1, 12345678901234567890.123456789]}',
  19_782,
  -1n,
  253_402_300_799_999_999n,
  -9_007_199_254_740_993n,
  'a\tb',
  'x',
  null,
];

/** The message, with some of its literals changed. */
export const wire = (change: Record<string, string> = {}) =>
  Buffer.from(
    `{${PAYMENTS.names.map((name) => `${JSON.stringify(name)}:${{ ...WIRE, ...change }[name]}`).join(',')}}`,
  );
