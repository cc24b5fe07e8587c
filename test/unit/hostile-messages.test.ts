import fc from 'fast-check';
import { isUtf8 } from 'node:buffer';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeQuarantined } from '../../adapters/lake/writing/quarantine-writer';
import { encodeRows } from '../../adapters/lake/writing/parquet-writer';
import { ORDERS } from '../../domain/table/orders';
import type { Row } from '../../domain/table/table';
import { validate } from '../../messages';
import type { QuarantinedRow } from '../../ports';
import { holds, HOSTILE_TIMEOUT_MS, messageValue, parameters, WIRE } from '../helpers/hostile';
import { readAnyForm, scanWire } from '../helpers/orders';
import { temporaryDirectory } from '../helpers/lake';
import { withDuckDB } from '../../dev/oracle/duckdb';

jest.setTimeout(HOSTILE_TIMEOUT_MS);

const codes = new Set(Object.keys(ORDERS.failures));

test('whatever a message holds, it is a row or has reasons, and no prototype is changed', () => {
  const prototype = Object.getOwnPropertyNames(Object.prototype);
  void holds(
    fc.property(fc.option(messageValue), (value) => {
      const { accepted, order = accepted, failures = [] } = validate({ value });
      expect(order).toHaveLength(ORDERS.columns.length);
      expect(accepted === undefined).toBe(failures.length > 0);
      expect(failures.filter((code) => !codes.has(code))).toEqual([]);
      expect(new Set(failures).size).toBe(failures.length);
      for (const text of (order ?? []).filter((one) => typeof one === 'string'))
        expect(Buffer.from(text).toString()).toBe(text);
    }),
    2_000,
  );
  expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(prototype);
});

test('both ways of reading agree, and with JSON.parse on what is JSON and what texts and numbers it holds', () => {
  void holds(
    fc.property(messageValue, (value) => {
      const read = readAnyForm(value) as Record<string, unknown> | undefined;
      const quick = scanWire(value);
      if (quick !== undefined) expect(quick).toEqual(read);
      const parsed = parse(value);
      expect(read === undefined).toBe(parsed === undefined);
      if (read === undefined || parsed === undefined) return;
      for (const [name, field] of [
        ['customerName', 'customer_name'],
        ['item', 'item'],
      ] as const) {
        const expected = Object.hasOwn(parsed, field) ? parsed[field] : null;
        if (typeof expected === 'string') expect([expected, undefined]).toContain(read[name]);
        else expect(read[name]).toBe(expected === null ? null : undefined);
      }
      if (typeof read['orderId'] === 'bigint')
        expect(Number(read['orderId'])).toBeCloseTo(parsed['order_id'] as number, -4);
      if (typeof read['amountHundredths'] === 'number')
        expect(read['amountHundredths'] / 100).toBeCloseTo(parsed['amount'] as number, 2);
    }),
    2_000,
  );
});

/** The object that a value is for JavaScript itself. */
function parse(value: Buffer): Record<string, unknown> | undefined {
  if (!isUtf8(value)) return undefined;
  const text = value.toString();
  if (deepest(text) > 200) return undefined;
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
      ? (parsed as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

function deepest(text: string): number {
  let depth = 0;
  let most = 0;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\[^])*"?|[[{}\]]/g)) {
    if (token === '{' || token === '[') most = Math.max(most, (depth += 1));
    else if (token === '}' || token === ']') depth -= 1;
  }
  return most;
}

const filled = (field: string) => WIRE.replace('350.00', field);
const SIZE = 400_000;
test.each([
  ['a number with zeros amid', filled(`1${'0'.repeat(SIZE)}1`)],
  ['decimals with zeros amid', filled(`1.${'0'.repeat(SIZE)}1`)],
  ['an endless exponent', filled(`1e${'9'.repeat(SIZE)}`)],
  ['keys of digits', filled(`1,${Array.from({ length: SIZE / 10 }, (_, i) => `"${i * 4001}":1`).join(',')}`)],
  ['one key for ever', filled(`1,${'"k":[1],'.repeat(SIZE / 8)}"k":2`)],
  ['backslashes', filled(`"${'\\'.repeat(SIZE)}`)],
  ['brackets', '['.repeat(SIZE)],
  ['blanks', filled(`"${' '.repeat(SIZE)}x${' '.repeat(SIZE)}"`)],
  ['digits for a date', WIRE.replace('2025-11-18T', '2'.repeat(SIZE))],
  ['lone surrogates', WIRE.replace('Alice', '\\ud83c'.repeat(SIZE / 6))],
])('takes time in proportion to its length: %s', (_name, text) => {
  const begin = performance.now();
  validate({ value: Buffer.from(text) });
  // A few ms; what looks at each character once more for each takes a minute.
  expect(performance.now() - begin).toBeLessThan(2_000);
});

test('a value beyond what may be parsed is malformed, but for the wire form, which takes no memory', () => {
  const long = 'x'.repeat(9 * 1024 * 1024);
  expect(validate({ value: Buffer.from(WIRE.replace('Alice', long)) }).accepted).toBeDefined();
  expect(validate({ value: Buffer.from(` ${WIRE.replace('Alice', long)}`) }).failures).toEqual([
    'malformed_json',
  ]);
});

test('what is refused stands whole in a file that DuckDB reads, and what is accepted value for value', async () => {
  const { path, remove } = await temporaryDirectory();
  const values = fc.sample(fc.option(messageValue), { ...parameters(0), numRuns: 400 });
  const rows = values.map((value, at) => ({ value, at, result: validate({ value }) }));
  const failed: QuarantinedRow[] = [];
  const accepted: { order: Row }[] = [];
  for (const { value, at, result } of rows) {
    if (result.accepted !== undefined) accepted.push({ order: result.accepted });
    else
      failed.push({
        order: result.order,
        failures: result.failures,
        message: { partition: 0, offset: BigInt(at), timestampMillis: at, key: value, value },
      });
  }
  const [bad, good] = ['bad', 'good'].map((name) => join(path, `${name}.parquet`)) as [string, string];
  writeFileSync(bad, encodeQuarantined(ORDERS, failed, 'snappy'));
  writeFileSync(good, encodeRows(ORDERS, accepted, 'snappy'));
  const read = (file: string, what: string) =>
    withDuckDB(async (duckdb) =>
      (await duckdb.runAndReadAll(`SELECT ${what} FROM read_parquet($1)`, [escaped(file)])).getRows(),
    );
  expect(await read(bad, 'hex(raw_value), hex(raw_key), failed_rules, customer_name')).toEqual(
    failed.map(({ message: { value }, failures, order }) => {
      const hex = value === null ? null : value.toString('hex').toUpperCase();
      return [hex, hex, failures.join(','), order[1]];
    }),
  );
  expect(await read(good, 'order_id, customer_name')).toEqual(
    accepted.map(({ order }) => [order[0], order[1]]),
  );
  expect(failed.length).toBeGreaterThan(100);
  await remove();
});

const escaped = (file: string) => file.replace(/[[*?]/g, '[$&]');
