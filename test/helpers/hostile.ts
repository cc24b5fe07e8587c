/** What others may have written, made by fast-check: the same each time in `npm test`, new each time in `npm run fuzz`. */
import fc from 'fast-check';

/** Seconds that each property is tried for; unless set, a fixed number of cases. */
const fuzzSeconds = Number(process.env['FUZZ_SECONDS'] ?? 0);

/** A found case is told with its seed and path, for `fc.assert(…, { seed, path })`. */
export function holds<T>(property: fc.IRawProperty<T>, runs = 300): void | Promise<void> {
  return fc.assert(property, parameters<T>(runs));
}

export function parameters<T>(runs: number): fc.Parameters<T> {
  if (fuzzSeconds === 0) return { numRuns: runs, seed: 13 };
  return {
    numRuns: 2 ** 31 - 1,
    interruptAfterTimeLimit: fuzzSeconds * 1_000,
    // A case that never ends is what some of these look for; jest's own limit is set higher.
    markInterruptAsFailure: false,
  };
}

/** Above what a property is tried for. */
export const HOSTILE_TIMEOUT_MS = fuzzSeconds * 1_000 + 30_000;

export const WIRE =
  '{"order_id":1,"customer_name":"Alice","restaurant_name":"Spice Garden","item":"Butter Chicken",' +
  '"amount":350.00,"order_status":"DELIVERED","created_at":"2025-11-18T10:00:00.123456Z"}';

const TOKENS = [
  ...['{', '}', '[', ']', ',', ':', '"', '\\', ' ', '\n', '\u0000', '\ufeff', '\u2028', '\\u0000', '\\ud83c'],
  ...['null', 'true', '-', '0', '00', '1e400', '-0', '0.10', '1.0', '9223372036854775808', '1E2', '.5', '5.'],
  ...[
    '"order_id":',
    '"__proto__":',
    '"constructor":{"prototype":1}',
    '"amount":',
    '"created_at":null',
    '"item":7',
  ],
  ...[
    '"oversized":{"file":"../../x","sha256":1}',
    '"0001-01-01T00:00:00Z"',
    '"9999-12-31T23:59:59.999999-15:59"',
  ],
  ...['\u{1f35c}', '日', '{"a":'.repeat(201), '[[[', '0'.repeat(40)],
];

/** Bytes that no UTF-8 has, and such as begin a character that never comes. */
const BYTES = [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf0, 0x9f], [0xfe, 0xff], [0x80], [0]].map(
  (bytes) => Buffer.from(bytes),
);

interface Edit {
  at: number;
  remove: number;
  insert: Buffer;
}

const edit = (length: number): fc.Arbitrary<Edit> =>
  fc.record({
    at: fc.nat(length),
    remove: fc.oneof({ weight: 4, arbitrary: fc.nat(3) }, { weight: 1, arbitrary: fc.nat(length) }),
    insert: fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(...TOKENS).map((token) => Buffer.from(token)) },
      { weight: 1, arbitrary: fc.constantFrom(...BYTES) },
      { weight: 1, arbitrary: fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes)) },
    ),
  });

/** Something that is right, with up to `edits` places of it changed, cut or filled with what does not belong there. */
export function edited(right: Buffer, edits = 4): fc.Arbitrary<Buffer> {
  return fc
    .array(edit(right.length), { maxLength: edits })
    .map((list) =>
      list.reduce(
        (bytes, { at, remove, insert }) =>
          Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(at + remove)]),
        right,
      ),
    );
}

const key = fc.oneof(
  fc.constantFrom(
    ...['order_id', 'customer_name', 'item', 'amount', 'order_status', 'created_at', 'oversized'],
  ),
  fc.constantFrom(
    ...['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'isLosslessNumber', 'value', '0', ''],
  ),
  fc.string(),
);

/** JSON texts, with keys that JavaScript has an opinion about, any number and any text, lone surrogates too. */
export const jsonText: fc.Arbitrary<string> = fc.letrec<{ value: string; object: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom('null', 'true', 'false', '0', '-0', '1e400', '1e-400', '1'.repeat(400), '0.1', '12.50'),
    fc.string({ unit: 'binary' }).map((text) => JSON.stringify(text)),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
    fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n }).map(String),
    fc.array(tie('value'), { maxLength: 3 }).map((items) => `[${items.join(',')}]`),
    tie('object'),
  ),
  object: fc
    .array(fc.tuple(key, tie('value')), { maxLength: 8 })
    .map((entries) => `{${entries.map(([name, value]) => `${JSON.stringify(name)}: ${value}`).join(',')}}`),
})).object;

/** What a producer may have put into a message. */
export const messageValue: fc.Arbitrary<Buffer> = fc.oneof(
  { weight: 4, arbitrary: edited(Buffer.from(WIRE)) },
  { weight: 3, arbitrary: jsonText.map((text) => Buffer.from(text)) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)) },
);
