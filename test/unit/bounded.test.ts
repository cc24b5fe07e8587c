import { cut, cutMiddle, LONGEST_ERROR, LONGEST_TEXT, shown } from '../../domain/bounded';
import { didYouMean } from '../../domain/nearest';
import { readReplayed } from '../../domain/replay';
import { parseTimestamp, watermarkFrom } from '../../domain/watermark';

test('text is cut to its limit, half a character and NUL are replaced, and lines stay lines', () => {
  expect(cut('short\nand plain é 😀')).toBe('short\nand plain é 😀');
  expect(cut('x'.repeat(2_000_000))).toHaveLength(LONGEST_TEXT);
  expect(cut(`${'x'.repeat(LONGEST_TEXT - 2)}😀😀`)).toBe(`${'x'.repeat(LONGEST_TEXT - 2)}\ufffd…`);
  expect(cut('a\u0000b\ud800c')).toBe('a\ufffdb\ufffdc');
});

test('of a long message beginning and end are kept, where the remedy stands', () => {
  const message = `cause ${'x'.repeat(3_000_000)} remedy`;
  expect(cutMiddle(message)).toMatch(/^cause x+ … \(\d+ characters left out\) … x+ remedy$/);
  expect(cutMiddle(message).length).toBeLessThan(LONGEST_ERROR + 60);
});

test('any value has a short form, however deep or large it is', () => {
  const deep = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`) as unknown;
  const wide = Object.fromEntries(Array.from({ length: 100_000 }, (_, n) => [`key${n}`, n]));
  expect([deep, wide, 'x'.repeat(99), null, Infinity, {}].map(shown)).toEqual([
    'a list of 1',
    'an object with key0, key1, key2, key3, key4, …',
    `"${'x'.repeat(59)}…"`,
    'null',
    'Infinity',
    'an object with no fields',
  ]);
});

test('the nearest name is told, and none where all are far', () => {
  expect(didYouMean('startfrm', ['startFrom', 'state'])).toBe('; did you mean startFrom?');
  expect(didYouMean('undo', ['createdAt', 'orderId'])).toBe('');
});

test('a place that no row can have is refused: years beyond four digits, ids beyond 64 bits', () => {
  expect(parseTimestamp('9999-12-31T23:59:59.999999Z')).toBe(253402300799999999n);
  expect(parseTimestamp('9999-12-31T23:59:59-01:00')).toBeUndefined();
  expect(parseTimestamp('0001-01-01T00:00:00+01:00')).toBeUndefined();
  const at = (orderId: string) => watermarkFrom({ createdAt: '2025-11-18', orderId });
  expect(at('-9223372036854775808').orderId).toBe('-9223372036854775808');
  expect(() => at('9223372036854775808')).toThrow('not a whole number of 64 bits');
});

test('an answer of landOrders is told from what somebody else signals', () => {
  const answer = {
    batch: 3,
    before: { landed: 1, quarantined: 0 },
    after: { landed: 1, quarantined: 0, duplicate: 0 },
  };
  expect(readReplayed(answer)).toBe(answer);
  expect(readReplayed({ batch: 3, error: 'why' })).toBeDefined();
  for (const odd of [null, 'x', {}, { batch: 3 }, { ...answer, after: { landed: 'many' } }])
    expect(readReplayed(odd)).toBeUndefined();
});
