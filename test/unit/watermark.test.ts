import {
  compareWatermarks,
  formatTimestamp,
  formatWatermark,
  parseTimestamp,
  parseWatermark,
  watermarkFrom,
} from '../../domain/watermark';

test.each([
  ['2025-11-18T10:00:00.123456Z', 1763460000123456n],
  ['2025-11-18 10:00:00.123456', 1763460000123456n],
  ['2025-11-18T15:30:00.123456+05:30', 1763460000123456n],
  ['2025-11-18 10:00:00.1+00', 1763460000100000n],
  ['1969-12-31T23:59:59.999999Z', -1n],
  ['0001-01-01T00:00:00Z', -62135596800000000n],
  ['9999-12-31T23:59:59.999999Z', 253402300799999999n],
])('%s is %d microseconds', (text, micros) => {
  expect(parseTimestamp(text)).toBe(micros);
});

test.each([
  '2025-02-29T00:00:00Z',
  '2025-11-18',
  '2025-11-18T24:00:00Z',
  '2025-11-18T10:00:60Z',
  '2025-11-18T10:00:00.1234567Z',
  '0000-01-01T00:00:00Z',
  'infinity',
  '',
  '2025-13-01T00:00:00Z',
])('%s is not a timestamp', (text) => expect(parseTimestamp(text)).toBeUndefined());

test('formatting gives back what was parsed, also before 1970', () => {
  for (const micros of [0n, -1n, -1_000_001n, 1763460000123456n, 253402300799999999n, -62135596800000000n]) {
    expect(parseTimestamp(formatTimestamp(micros))).toBe(micros);
    expect(formatTimestamp(micros)).toHaveLength(27);
  }
});

test('the state file of the replaced pipeline is read and written', () => {
  const watermark = parseWatermark('2025-11-18 10:00:00.123456|42\n');
  expect(watermark).toEqual({ createdAt: '2025-11-18T10:00:00.123456Z', orderId: '42' });
  expect(formatWatermark(watermark)).toBe('2025-11-18 10:00:00.123456|42');
});

test('order ids compare as numbers beyond 2^53, timestamps first', () => {
  const at = (createdAt: string, orderId: string) => watermarkFrom({ createdAt, orderId });
  const day = '2025-11-18T10:00:00Z';
  expect(compareWatermarks(at(day, '9'), at(day, '10'))).toBeLessThan(0);
  expect(compareWatermarks(at(day, '9007199254740993'), at(day, '9007199254740992'))).toBeGreaterThan(0);
  expect(compareWatermarks(at('2025-11-18T10:00:00.000001Z', '1'), at(day, '10'))).toBeGreaterThan(0);
  expect(compareWatermarks(at(day, '1'), at(day, '1'))).toBe(0);
});

test('a wrong part is named', () => {
  expect(() => watermarkFrom({ createdAt: 'today' })).toThrow(/createdAt "today"/);
  expect(() => watermarkFrom({ createdAt: '2025-11-18T10:00:00Z', orderId: '1.5' })).toThrow(/orderId "1.5"/);
});

test.each([
  { createdAt: '0001-01-01T00:00:00+05:00' },
  { createdAt: '9999-12-31T23:59:59-05:00' },
  { createdAt: '2025-11-18', orderId: '9999999999999999999' },
])('%j, which PostgreSQL cannot read, is refused', (parts) => {
  expect(() => watermarkFrom(parts)).toThrow(RangeError);
});

test('a moment without an id stands before every row of that moment', () => {
  const row = { createdAt: '2025-11-18T00:00:00.000000Z', orderId: '-5' };
  expect(compareWatermarks(watermarkFrom({ createdAt: '2025-11-18' }), row)).toBeLessThan(0);
});
