import { encodeProgress } from '../../adapters/kafka/producer/progress-record';
import { decodeSource, encodeSource, sourceDifference, type SourceIdentity } from '../../domain/source-id';
import { tableParts } from '../../domain/table-name';
import { opened, polled, requested, sinceLast } from '../../workflows/capture/state';

const SOURCE: SourceIdentity = {
  system: '7712447648498637655',
  databaseOid: '16384',
  tableOid: '16402',
  createdAt: 'timestamp(6)@America/New_York',
  database: 'shop of 50 % off',
  table: '"my schema"."my\ttable"',
  server: '127.0.0.1:5432',
};

test('a source is one text and comes back whole', () => {
  expect(decodeSource(encodeSource(SOURCE))).toEqual(SOURCE);
  expect(decodeSource(encodeSource({ ...SOURCE, system: null }))).toEqual({ ...SOURCE, system: null });
  expect(decodeSource('a text of another version')).toBeUndefined();
});

test('another server, database, table or meaning of created_at is told; another name or address is not', () => {
  const differs = (change: Partial<SourceIdentity>) => sourceDifference(SOURCE, { ...SOURCE, ...change });
  expect(differs({ system: '1' })).toBe('database');
  expect(differs({ databaseOid: '1' })).toBe('database');
  expect(differs({ tableOid: '1' })).toBe('table');
  expect(differs({ createdAt: 'timestamptz(6)' })).toBe('createdAt');
  expect(differs({ system: null })).toBeUndefined();
  expect(differs({ database: 'renamed', table: '"a"."b"', server: 'standby:5432' })).toBeUndefined();
});

test('with the longest names the progress record keeps the source, and stays within what the brokers take', () => {
  const long = '%'.repeat(63);
  const sourceId = encodeSource({
    ...SOURCE,
    database: long,
    table: `"${long}"."${long}"`,
    server: `${'h'.repeat(253)}:5432`,
  });
  const place = { createdAt: '2025-11-18T10:00:00.123456Z', orderId: '9223372036854775807' };
  const record = {
    sequence: Number.MAX_SAFE_INTEGER,
    lower: place,
    upper: place,
    rows: 1_000_000,
    topicId: 'x'.repeat(22),
    sourceId,
  };
  const late = { watch: null, missed: { backdated: 0, examples: ['9'.repeat(5_000)], from: null }, gaps: [] };
  const text = encodeProgress({ ...record, late });
  expect(text.length).toBeLessThan(2_000);
  expect(JSON.parse(text)).toMatchObject({ sourceId });
});

test.each([
  ['orders', ['orders']],
  ['2025em1100102_orders', ['2025em1100102_orders']],
  ['Shop.Orders', ['Shop', 'Orders']],
  ['"my.schema"."my ""table"', ['my.schema', 'my "table']],
  ['shop."my.table"', ['shop', 'my.table']],
  ['a.b.c', undefined],
  ['"open', undefined],
  ['', undefined],
  ['a.', undefined],
])('the name %s has the parts %j', (text, parts) => {
  expect(tableParts(text)).toEqual(parts);
});

test('the source goes from the record or a poll to the next publish, and a reset forgets it', () => {
  const place = { createdAt: '2025-11-18T10:00:00.000000Z', orderId: '1' };
  const begun = opened({
    sequence: 1,
    watermark: place,
    startedFrom: 'progress record',
    warnings: [],
    sourceId: 'a',
  });
  expect(sinceLast(begun)).toMatchObject({ sourceId: 'a' });
  const idle = { rows: 0, more: false, clock: place.createdAt, heldBy: null };
  expect(sinceLast(polled(begun, idle))).toMatchObject({ sourceId: 'a' });
  const seen = polled(begun, { ...idle, sourceId: 'b', warnings: ['no index'] });
  expect(seen).toMatchObject({ sourceId: 'b', warnings: ['no index'] });
  const { state } = requested(seen, { kind: 'resetWatermark', to: place, reason: null });
  expect(sinceLast(state).sourceId).toBeUndefined();
});
