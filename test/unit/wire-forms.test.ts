import { readAnyForm, scanWire } from '../helpers/orders';

/** Both ways of reading one value; they must agree wherever the quick one has an answer. */
function readBothWays(value: Buffer) {
  const quick = scanWire(value);
  if (quick !== undefined) expect(quick).toEqual(readAnyForm(value));
  return quick;
}

describe('both ways of reading agree', () => {
  const random = seeded(20_251_118);
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;
  const digits = (count: number) => Array.from({ length: count }, () => Math.floor(random() * 10)).join('');
  const upTo = (count: number) => Math.floor(random() * (count + 1));
  const texts = [
    '',
    'Alice',
    '  ',
    'say "hi"',
    'a\tb\n',
    '日本語 🍜',
    '\u2028',
    '\\',
    '\u0000',
    '\ud83c',
    'x'.repeat(255),
  ];

  const wireText = () => {
    const text = () => pick(['null', JSON.stringify(pick(texts)), JSON.stringify(`n${digits(3)}`)]);
    const orderId = pick([
      'null',
      '0',
      `${1 + upTo(8)}${digits(upTo(20))}`,
      `-${1 + upTo(8)}${digits(upTo(18))}`,
    ]);
    const amount = pick([
      'null',
      `${1 + upTo(8)}${digits(upTo(9))}.${digits(2)}`,
      `-0.${digits(2)}`,
      digits(3),
    ]);
    const day = `${pick(['2025', '1583', '9999', '0001', '0000', '2300'])}-${pick(['02', '12', '13'])}-${pick(['01', '29', '31'])}`;
    const createdAt = pick([
      'null',
      `"${day}T${pick(['00', '23', '24'])}:59:5${digits(1)}.${digits(6)}Z"`,
      `"${day} 10:00:00"`,
    ]);
    return (
      `{"order_id":${orderId},"customer_name":${text()},"restaurant_name":${text()},"item":${text()},` +
      `"amount":${amount},"order_status":${text()},"created_at":${createdAt}}`
    );
  };

  test('on random orders', () => {
    let quick = 0;
    for (let i = 0; i < 5000; i++) if (readBothWays(Buffer.from(wireText())) !== undefined) quick++;
    expect(quick).toBeGreaterThan(2500);
  });

  test('on orders with a byte changed, removed or doubled', () => {
    for (let i = 0; i < 20_000; i++) {
      const value = Buffer.from(wireText());
      const at = Math.floor(random() * value.length);
      const rest = value.subarray(at + 1);
      const middle = pick([
        [Math.floor(random() * 256)],
        [pick([...Buffer.from('"\\,:{}0-.enu')])],
        [],
        [value[at] as number, value[at] as number],
      ]);
      const changed = Buffer.concat([value.subarray(0, at), Buffer.from(middle), rest]);
      readBothWays(changed);
      expect(readAnyForm(changed) === undefined).toBe(!isJsonObject(changed));
    }
  });

  test('on orders in another key order', () => {
    for (let i = 0; i < 2000; i++) {
      const value = wireText();
      const fields = value
        .slice(1, -1)
        .split(/,(?="(?:customer_name|restaurant_name|item|amount|order_status|created_at)":)/);
      expect(readAnyForm(Buffer.from(`{ ${fields.reverse().join(' , ')} }`))).toEqual(
        readAnyForm(Buffer.from(value)),
      );
    }
  });
});

function isJsonObject(value: Buffer): boolean {
  try {
    const parsed: unknown = JSON.parse(
      new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value),
    );
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed);
  } catch {
    return false;
  }
}

/** Numbers in [0, 1), the same in every run (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
