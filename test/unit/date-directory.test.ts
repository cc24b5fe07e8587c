import { dateDirectory } from '../../adapters/lake/files/layout';
import { parseTimestamp } from '../../domain/watermark';

const directoryOf = (text: string) => dateDirectory(parseTimestamp(text)!);

/** Each is asked for after another day and after itself: the day that is kept must not be taken for its neighbour. */
test.each([
  ['2025-11-18T00:00:00.000000Z', 'date=2025-11-18'],
  ['2025-11-17T23:59:59.999999Z', 'date=2025-11-17'],
  ['2025-11-18T23:59:59.999999Z', 'date=2025-11-18'],
  ['2025-11-19T00:00:00.000000Z', 'date=2025-11-19'],
  ['1970-01-01T00:00:00.000000Z', 'date=1970-01-01'],
  ['1969-12-31T23:59:59.999999Z', 'date=1969-12-31'],
  ['0001-01-01T00:00:00.000000Z', 'date=0001-01-01'],
  ['9999-12-31T23:59:59.999999Z', 'date=9999-12-31'],
])('the date directory of %s', (text, directory) => {
  expect(directoryOf(text)).toBe(directory);
  expect(directoryOf(text)).toBe(directory);
  expect(directoryOf('2025-11-18T12:00:00Z')).toBe('date=2025-11-18');
  expect(directoryOf(text)).toBe(directory);
});
