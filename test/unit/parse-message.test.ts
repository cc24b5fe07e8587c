import { validateOrder as validate, readAnyForm, scanWire, type Order } from '../helpers/orders';

const WIRE =
  '{"order_id":1,"customer_name":"Alice","restaurant_name":"Spice Garden","item":"Butter Chicken",' +
  '"amount":350.00,"order_status":"DELIVERED","created_at":"2025-11-18T10:00:00.123456Z"}';
const ORDER: Order = {
  orderId: 1n,
  customerName: 'Alice',
  restaurantName: 'Spice Garden',
  item: 'Butter Chicken',
  amountHundredths: 35_000,
  orderStatus: 'DELIVERED',
  createdAtMicros: 1_763_460_000_123_456n,
};

const validateText = (text: string) => validate({ value: Buffer.from(text) });

/** WIRE with one field's literal replaced. */
const withField = (name: string, literal: string) =>
  WIRE.replace(new RegExp(`"${name}":("[^"]*"|[^,}]*)`), () => `"${name}":${literal}`);

/** Both ways of reading one value; they must agree wherever the quick one has an answer. */
function readBothWays(value: Buffer) {
  const quick = scanWire(value);
  if (quick !== undefined) expect(quick).toEqual(readAnyForm(value));
  return quick;
}

test('the wire format is accepted, the quick way', () => {
  expect(readBothWays(Buffer.from(WIRE))).toEqual(ORDER);
  expect(validateText(WIRE)).toEqual({ accepted: ORDER });
});

test.each([
  ['other key order', `{"amount":350.00,${WIRE.slice(1).replace('"amount":350.00,', '')}`],
  ['white space', ` ${WIRE.replaceAll(':', ' :\t').replace(/T10 :\t00 :\t00/, 'T10:00:00')}\r\n`],
  ['extra fields', WIRE.replace('}', ',"note":{"a":[1,"}",{}]},"tip":1e400}')],
  ['escaped keys', WIRE.replace('"amount"', '"\\u0061mount"')],
  ['a key twice, the last counts', WIRE.replace('{', '{"order_id":7,"amount":"x",')],
  ['__proto__ is a field like others', WIRE.replace('{', '{"__proto__":{"order_id":5},')],
])('the same order in another form: %s', (_name, text) => {
  expect(scanWire(Buffer.from(text))).toBeUndefined();
  expect(validateText(text)).toEqual({ accepted: ORDER });
});

test.each([
  ['0.10', 10],
  ['19.99', 1999],
  ['99999999.99', 9_999_999_999],
  ['350', 35_000],
  ['350.0', 35_000],
  ['3.5e2', 35_000],
  ['3.50000000000000000000', 350],
  ['0.0001e4', 100],
  ['123456789e-2', 123_456_789],
])('amount %s is %d hundredths', (literal, hundredths) => {
  readBothWays(Buffer.from(withField('amount', literal)));
  expect(validateText(withField('amount', literal))).toMatchObject({
    accepted: { amountHundredths: hundredths },
  });
});

test.each([
  ['-5.50', -550],
  ['0.00', 0],
  ['-0.00', 0],
  ['-0', 0],
  ['0e999999999', 0],
  ['-99999999.99', -9_999_999_999],
])('amount %s can be read, but is not above 0', (literal, hundredths) => {
  readBothWays(Buffer.from(withField('amount', literal)));
  const validation = validateText(withField('amount', literal));
  expect(validation.failures).toEqual(['amount_not_positive']);
  expect(Object.is(validation.order?.amountHundredths, hundredths)).toBe(true);
});

test.each(['1.999', '"350.00"', '100000000.00', '1e8', '1e-3', '1e999999999', 'true', '[350]', '{"v":1}'])(
  'amount %s is unreadable, and not null as well',
  (literal) => {
    const validation = validateText(withField('amount', literal));
    expect(validation.failures).toEqual(['amount_unreadable']);
    expect(validation.order?.amountHundredths).toBeNull();
  },
);

test.each([
  ['9223372036854775807', 2n ** 63n - 1n],
  ['-9223372036854775808', -(2n ** 63n)],
  ['9007199254740993', 2n ** 53n + 1n],
  ['-0', 0n],
  ['999999999999999', 999_999_999_999_999n],
])('order_id %s', (literal, orderId) => {
  readBothWays(Buffer.from(withField('order_id', literal)));
  expect(validateText(withField('order_id', literal))).toMatchObject({ accepted: { orderId } });
});

test.each([
  '"1"',
  '1.5',
  '1.0',
  '1e3',
  '9223372036854775808',
  '-9223372036854775809',
  '9'.repeat(100_000),
  'false',
])('order_id %.30s is unreadable', (literal) => {
  readBothWays(Buffer.from(withField('order_id', literal)));
  expect(validateText(withField('order_id', literal)).failures).toEqual(['order_id_unreadable']);
});

test.each([
  ['"日本語 🍜"', '日本語 🍜'],
  ['"say \\"hi\\""', 'say "hi"'],
  ['"a\\tb\\nc\\u0000d\\/"', 'a\tb\nc\u0000d/'],
  ['"line\u2028sep"', 'line\u2028sep'],
  ['"\\ud83c\\udf5c"', '🍜'],
  [`"${'é'.repeat(255)}"`, 'é'.repeat(255)],
  ['"back\\\\"', 'back\\'],
])('text %.40s', (literal, item) => {
  expect(readBothWays(Buffer.from(withField('item', literal)))).toBeDefined();
  expect(validateText(withField('item', literal))).toMatchObject({ accepted: { item } });
});

test.each(['"\\ud83c"', '"x\\udf5c\\ud83c"', '7', '["a"]', 'true', '{}'])(
  'text %s is unreadable, and not empty as well',
  (literal) => {
    readBothWays(Buffer.from(withField('item', literal)));
    expect(validateText(withField('item', literal)).failures).toEqual(['text_unreadable']);
  },
);

test.each([
  ['"2025-12-31T23:59:59.637356Z"', 1_767_225_599_637_356n],
  ['"2025-12-31 23:59:59.637356"', 1_767_225_599_637_356n],
  ['"2026-01-01T05:29:59.637356+05:30"', 1_767_225_599_637_356n],
  ['"1969-12-31T23:59:59.999999Z"', -1n],
  ['"0001-01-01T00:00:00.000000Z"', -62_135_596_800_000_000n],
  ['"9999-12-31T23:59:59.999999Z"', 253_402_300_799_999_999n],
  ['"2024-02-29T00:00:00.000000Z"', 1_709_164_800_000_000n],
  ['"2025\\u002d11-18T10:00:00.123456Z"', 1_763_460_000_123_456n],
])('created_at %s', (literal, createdAtMicros) => {
  readBothWays(Buffer.from(withField('created_at', literal)));
  expect(validateText(withField('created_at', literal))).toMatchObject({ accepted: { createdAtMicros } });
});

test.each([
  '"2025-02-29T00:00:00.000000Z"',
  '"2025-11-18T24:00:00.000000Z"',
  '"2025-11-18T10:00:60.000000Z"',
  '"2025-11-18T10:00:00.1234567Z"',
  '"2025/11/18T10:00:00.123456Z"',
  '"2025-11-1xT10:00:00.123456Z"',
  '"0000-01-01T00:00:00.000000Z"',
  '"0001-01-01T00:00:00+05:00"',
  '"9999-12-31T23:59:59-05:00"',
  '"yesterday"',
  '""',
  '1763460000',
])('created_at %s is unreadable', (literal) => {
  readBothWays(Buffer.from(withField('created_at', literal)));
  expect(validateText(withField('created_at', literal)).failures).toEqual(['created_at_unreadable']);
});

test('the cached day is not taken for another that looks alike', () => {
  validateText(WIRE);
  expect(validateText(withField('created_at', '"2025x11x18T10:00:00.123456Z"')).failures).toEqual([
    'created_at_unreadable',
  ]);
});

test('null and absent fields break their rules', () => {
  const expected = {
    failures: ['order_id_null', 'amount_not_positive', 'customer_name_empty', 'created_at_missing'],
    order: { ...ORDER, orderId: null, amountHundredths: null, customerName: null, createdAtMicros: null },
  };
  let text = WIRE;
  for (const name of ['order_id', 'amount', 'customer_name', 'created_at']) {
    text = text.replace(new RegExp(`"${name}":("[^"]*"|[^,}]*)`), `"${name}":null`);
  }
  expect(readBothWays(Buffer.from(text))).toBeDefined();
  expect(validateText(text)).toEqual(expected);
  expect(
    validateText('{"restaurant_name":"Spice Garden","item":"Butter Chicken","order_status":"DELIVERED"}'),
  ).toEqual(expected);
});

test('everything wrong is reported together', () => {
  const text = '{"order_id":"x","customer_name":"","item":5,"amount":1.999,"created_at":"soon"}';
  expect(validateText(text).failures).toEqual([
    'customer_name_empty',
    'restaurant_name_empty',
    'order_status_empty',
    'order_id_unreadable',
    'amount_unreadable',
    'text_unreadable',
    'created_at_unreadable',
  ]);
});

test.each([
  ['a missing value', null],
  ['an empty value', ''],
  ['no object', '[1]'],
  ['null', 'null'],
  ['a number', '5'],
  ['a text', '"x"'],
  ['cut short', WIRE.slice(0, -1)],
  ['more after the end', `${WIRE}x`],
  ['two objects', WIRE + WIRE],
  ['a raw tab in a text', WIRE.replace('Alice', 'A\tlice')],
  ['a wrong escape', WIRE.replace('Alice', 'A\\xlice')],
  ['half an escape', WIRE.replace('Alice', '\\u00')],
  ['a leading zero', WIRE.replace(':1,', ':01,')],
  ['a leading zero in money', WIRE.replace('350.00', '0350.00')],
  ['money without digits', WIRE.replace('350.00', '.50')],
  ['a trailing comma', WIRE.replace('}', ',}')],
  ['single quotes', WIRE.replaceAll('"', "'")],
  ['a byte order mark', `\ufeff${WIRE}`],
  [
    'not UTF-8',
    Buffer.concat([Buffer.from(WIRE.slice(0, 35)), Buffer.from([0xff]), Buffer.from(WIRE.slice(35))]),
  ],
  ['half a character', Buffer.from(WIRE.replace('Alice', 'Aé'), 'latin1')],
  ['deep nesting', WIRE.replace('}', `,"x":${'['.repeat(50_000)}${']'.repeat(50_000)}}`)],
])('malformed: %s', (_name, value) => {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  if (bytes !== null) expect(scanWire(bytes)).toBeUndefined();
  const validation = validate({ value: bytes });
  expect(validation.failures).toEqual(['malformed_json']);
  expect(Object.values(validation.order ?? {})).toEqual(new Array(7).fill(null));
});

test('brackets in a text are no nesting', () => {
  expect(validateText(withField('item', `"${'['.repeat(1000)}"`)).accepted?.item).toHaveLength(1000);
});

test('texts that share a slot of the table of known texts stay apart', () => {
  for (let i = 0; i < 20_000; i++) {
    const name = `customer ${i}`;
    expect(scanWire(Buffer.from(withField('customer_name', `"${name}"`)))?.customerName).toBe(name);
  }
});
