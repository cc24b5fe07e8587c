/** Independent readers read what the writer wrote: pyiceberg, and the iceberg extension of DuckDB. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeRows } from '../../adapters/lake/writing/parquet-writer';
import { quote, withDuckDB } from '../../adapters/lake/reading/duckdb';
import { currentSnapshot, expire, type DataFile } from '../../adapters/iceberg';
import { fileOf, TestTable } from '../helpers/iceberg';
import { PAYMENTS, ROW } from '../helpers/made-up-table';
import { duckdbExtension, python } from '../helpers/python';

jest.setTimeout(600_000);

let root: string;
beforeEach(async () => (root = await mkdtemp(join(tmpdir(), 'iceberg table '))));
afterEach(() => rm(root, { recursive: true, force: true }));

interface Read {
  schema: string;
  snapshots: { rows: number; sum: string; micros: string }[];
  planned: number;
  ofDay: { files: number; rows: number };
  partitions: [day: string, rows: number, files: number][];
  position: string;
}

const READ = `
from datetime import datetime, timezone
from pyiceberg.expressions import And, GreaterThanOrEqual, LessThan
from pyiceberg.table import StaticTable
import pyarrow.compute as pc
table = StaticTable.from_metadata(given['metadata'])
def look(snapshot):
    rows = table.scan(snapshot_id=snapshot.snapshot_id).to_arrow()
    micros = pc.sum(pc.cast(rows['created_at'], 'int64')).as_py()
    return {'rows': rows.num_rows, 'sum': str(sum(rows['amount'].to_pylist())), 'micros': str(micros)}
day = table.scan(row_filter=And(GreaterThanOrEqual('created_at', '2025-11-19T00:00:00+00:00'), LessThan('created_at', '2025-11-20T00:00:00+00:00')))
print(json.dumps({
    'schema': str(table.scan().to_arrow().schema),
    'snapshots': [look(snapshot) for snapshot in table.metadata.snapshots],
    'planned': len(list(table.scan().plan_files())),
    'ofDay': {'files': len(list(day.plan_files())), 'rows': day.to_arrow().num_rows},
    'partitions': sorted([str(p['partition']['created_at_day']), p['record_count'], p['file_count']] for p in table.inspect.partitions().to_pylist()),
    'position': table.properties.get('orders.log-position'),
}))`;

/** What DuckDB reads: each snapshot's rows and sum, and the types. */
async function duckdbReads(metadata: string, snapshots: readonly string[]): Promise<unknown[]> {
  const extensions = await Promise.all(['avro', 'iceberg'].map((name) => duckdbExtension(name, 'v1.5.5')));
  return withDuckDB(async (duckdb) => {
    for (const path of extensions) await duckdb.run(`LOAD ${quote(path)}`);
    const look = async (options: string) => {
      const table = `iceberg_scan(${quote(metadata)}${options})`;
      const read = await duckdb.runAndReadAll(
        `SELECT count(*)::INTEGER, sum(amount)::VARCHAR, typeof(any_value(amount)), typeof(any_value(created_at)) FROM ${table}`,
      );
      return read.getRows()[0];
    };
    return Promise.all(snapshots.map((id) => look(`, snapshot_from_id = ${id}::UBIGINT`)));
  });
}

test('orders, through appends, a release without field ids, replacement, merged manifests and expiry', async () => {
  const table = new TestTable(root);
  await table.create({ 'orders.log-position': '0' });
  const files: DataFile[] = [];
  const rowsOf = () => files.reduce((sum, file) => sum + Number(file.record_count), 0);
  const expected: { rows: number }[] = [];
  for (let at = 0; at < 5; at++) {
    const adds = [await table.orders(at % 3, 50), await table.orders((at + 1) % 3, 20)];
    if (at === 2) adds.push(await table.file(0, fileOf('0.3.0')));
    files.push(...adds);
    const properties = { 'orders.log-position': String(at + 1) };
    expect(await table.commit({ adds }, { mergeAt: 3, properties })).toBe(true);
    expected.push({ rows: rowsOf() });
  }
  const old = files.filter(({ partition }) => partition['created_at_day'] === 20_411);
  const merged = await table.orders(
    1,
    old.reduce((sum, one) => sum + Number(one.record_count), 0),
  );
  expect(await table.commit({ operation: 'replace', adds: [merged], removes: old }, { mergeAt: 3 })).toBe(
    true,
  );
  expected.push({ rows: rowsOf() });

  const pyicebergReads = async () =>
    (await python(READ, { metadata: (await table.catalog.load())!.location })) as Read;
  const readByDuckdb = async () => {
    const { location, metadata } = (await table.catalog.load())!;
    return duckdbReads(
      location,
      metadata.snapshots!.map((one) => String(one['snapshot-id'])),
    );
  };
  const [pyiceberg, duckdb] = await Promise.all([pyicebergReads(), readByDuckdb()]);
  expect(pyiceberg.snapshots).toMatchObject(expected);
  expect(duckdb).toEqual(
    pyiceberg.snapshots.map(({ rows, sum }) => [rows, sum, 'DECIMAL(10,2)', 'TIMESTAMP WITH TIME ZONE']),
  );
  expect(pyiceberg.schema.split('\n')).toEqual([
    'order_id: int64 not null',
    'customer_name: string',
    'restaurant_name: string',
    'item: string',
    'amount: decimal128(10, 2)',
    'order_status: string',
    'created_at: timestamp[us, tz=UTC]',
    'validation_status: string',
  ]);
  const others = files.filter((one) => !old.includes(one));
  expect(pyiceberg).toMatchObject({ planned: others.length + 1, position: '5' });
  // Pruned by the partitions, whose names no reader goes by.
  expect(pyiceberg.ofDay).toEqual({ files: 1, rows: merged.record_count });
  expect(pyiceberg.partitions.map(([day, , count]) => [day, count])).toEqual([
    ['2025-11-18', others.filter(({ partition }) => partition['created_at_day'] === 20_410).length],
    ['2025-11-19', 1],
    ['2025-11-20', others.filter(({ partition }) => partition['created_at_day'] === 20_412).length],
  ]);

  // The newest two snapshots need nothing of what goes with the others, nor does the newest need the files that were replaced.
  for (const [keep, gone] of [
    [2, 0],
    [1, old.length],
  ] as const) {
    if (keep === 1) expect(await table.commit({ adds: [] })).toBe(true);
    const base = (await table.catalog.load())!;
    const expiry = await expire(table.files, base.metadata, { olderThan: Date.now() + 1, keep });
    expect(await table.catalog.commit(base, expiry.metadata)).toBe(true);
    expect(expiry.dataFiles).toHaveLength(gone);
    for (const name of [...expiry.metadataFiles, ...expiry.dataFiles]) await table.files.remove(name);
    expect(await readByDuckdb()).toEqual(keep === 2 ? duckdb.slice(-2) : duckdb.slice(-1));
  }
  const left = await pyicebergReads();
  expect(left.snapshots).toEqual(pyiceberg.snapshots.slice(-1));
  expect(left.planned).toBe(others.length + 1);
  expect(currentSnapshot((await table.catalog.load())!.metadata)?.summary['total-records']).toBe(
    String(rowsOf()),
  );
});

test('a table of every type', async () => {
  const table = new TestTable(root, PAYMENTS);
  await table.create();
  const nulls = ROW.map((value, at) => (at === 1 || at === 2 ? value : null));
  const bytes = encodeRows(PAYMENTS, [{ order: ROW }, { order: nulls }], 'snappy');
  expect(await table.commit({ adds: [await table.file(0, bytes)] })).toBe(true);
  const { location } = (await table.catalog.load())!;
  const read = await python(
    `
from pyiceberg.conversions import from_bytes
from pyiceberg.table import StaticTable
table = StaticTable.from_metadata(given['metadata'])
rows = table.scan().to_arrow().to_pylist()
file = next(iter(table.scan().plan_files())).file
fields = {field.name: field for field in table.schema().fields}
text = lambda value: value.hex() if isinstance(value, bytes) else str(value)
bound = lambda bounds, field: text(from_bytes(field.field_type, bounds[field.field_id])) if field.field_id in bounds else None
print(json.dumps({
    'rows': [{name: None if value is None else str(value) for name, value in row.items()} for row in rows],
    'bounds': {name: [bound(file.lower_bounds, field), bound(file.upper_bounds, field)] for name, field in fields.items()},
}))`,
    { metadata: location },
  );
  const { rows, bounds } = read as { rows: unknown[]; bounds: Record<string, (string | null)[]> };
  const values = {
    payer: 'Zoë "Z" 🍜',
    payment_no: '9223372036854775807',
    booked: '2025-11-18 10:00:00.123456+00:00',
    fee: '99999999999999.9999',
    rate: '0.000001',
    price: '-123456789012.345',
    share: '0.9999',
    points: '999999999999',
    clicks: '2147483647',
    score: '0.1',
    paid: 'True',
    reference: '00112233-4455-6677-8899-aabbccddeeff',
    due: '2024-02-29',
    local_time: '1969-12-31 23:59:59.999999',
    seen: '9999-12-31 23:59:59.999999+00:00',
    other_no: '-9007199254740993',
    validation_status: 'SUCCESS',
  };
  expect(rows).toHaveLength(2);
  expect(rows).toEqual(expect.arrayContaining([expect.objectContaining(values)]));
  const whole = {
    booked: '1763460000123456',
    due: '19782',
    reference: '00112233445566778899aabbccddeeff',
    local_time: '-1',
    seen: '253402300799999999',
    // Of floats and of decimals beyond 15 digits nothing is said.
    fee: null,
    score: null,
  };
  for (const [name, value] of Object.entries({ ...values, ...whole }))
    expect([name, ...(bounds[name] ?? [])]).toEqual([name, value, value]);
  expect(JSON.parse(await readFile(location, 'utf8'))).toMatchObject({ 'last-column-id': 101 });
});
