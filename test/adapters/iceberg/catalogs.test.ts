/** What every catalog of the Iceberg table keeps: one of several writers wins, and nobody's snapshot is lost. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Pool } from 'pg';
import { postgresCatalog, type Catalog } from '../../../adapters/iceberg';
import { TestTable } from '../../helpers/iceberg';
import { servers } from '../../helpers/pipeline';
import { python } from '../../helpers/python';

jest.setTimeout(600_000);

let root: string;
beforeEach(async () => (root = await mkdtemp(join(tmpdir(), 'iceberg-catalog-'))));
afterEach(() => rm(root, { recursive: true, force: true }));

let pool: Pool;
let schema: string;
beforeAll(async () => {
  const { PGHOST, PGPORT, PGDATABASE, PGUSER, PGPASSWORD } = servers();
  schema = `iceberg_${process.pid}`;
  const connection = {
    host: PGHOST,
    port: Number(PGPORT),
    database: PGDATABASE,
    user: PGUSER,
    password: PGPASSWORD,
  };
  pool = new Pool({ ...connection, options: `-c search_path=${schema}` });
  await pool.query(`CREATE SCHEMA ${schema}`);
});
afterAll(async () => {
  await pool.query(`DROP SCHEMA ${schema} CASCADE`);
  await pool.end();
});

const NAME = { catalog: 'lake', namespace: 'orders', table: 'orders' };

// Each test's table is named for its directory.
const KINDS: Record<string, (table: TestTable) => Catalog> = {
  'of a directory': (table) => table.catalog,
  'in PostgreSQL': ({ storage }) => postgresCatalog(pool, { ...NAME, table: root }, storage, '_iceberg'),
};

describe.each(Object.entries(KINDS))('a catalog %s', (_kind, catalogOf) => {
  /** A writer of the table, that knows nothing of the others. */
  const writer = () => {
    const table = new TestTable(root);
    table.catalog = catalogOf(table);
    return table;
  };

  test('has one that makes the table', async () => {
    expect(await writer().catalog.load()).toBeUndefined();
    const made = await Promise.allSettled([1, 2, 3, 4].map(() => writer().create()));
    expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect((await writer().catalog.load())?.metadata.location).toBe(join(root, '_iceberg'));
  });

  test('takes one of several commits to the same base, and each in the end', async () => {
    const first = writer();
    await first.create();
    const results = await Promise.all(
      [1, 2, 3, 4].map(async (number) => {
        const table = writer();
        const adds = [{ ...(await first.orders(0, 1)), record_count: number }];
        let lost = 0;
        for (let done = 0; done < 3; lost++) if (await table.commit({ adds })) done++;
        return lost - 3;
      }),
    );
    const { metadata } = (await first.catalog.load())!;
    expect(metadata.snapshots).toHaveLength(12);
    expect(metadata.snapshots?.at(-1)?.summary['total-records']).toBe('30');
    // Else they were never at the same base.
    expect(results.reduce((a, b) => a + b)).toBeGreaterThan(0);
  });

  test('refuses what was made of an old base, and leaves the table as it is', async () => {
    const table = writer();
    await table.create();
    const base = (await table.catalog.load())!;
    expect(await table.commit({ adds: [await table.orders(0, 1)] }, { properties: { by: 'others' } })).toBe(
      true,
    );
    const late = { ...base.metadata, properties: { by: 'us' } };
    expect(await table.catalog.commit(base, late)).toBe(false);
    const now = (await table.catalog.load())!;
    expect(now.metadata.properties).toMatchObject({ by: 'others' });
    expect(now.metadata['metadata-log']).toEqual([
      { 'timestamp-ms': base.metadata['last-updated-ms'], 'metadata-file': base.location },
    ]);
  });
});

test('a directory is found without its hint, and old metadata goes', async () => {
  const table = new TestTable(root);
  await table.create();
  const old = (await table.catalog.load())!;
  const next = async () => {
    const base = (await table.catalog.load())!;
    expect(await table.catalog.commit(base, base.metadata)).toBe(true);
  };
  for (let at = 0; at < 109; at++) await next();
  const files = await table.storage.list('_iceberg/metadata');
  expect(files.filter((name) => name.endsWith('.json'))).toHaveLength(100);
  // A writer that slept for that long finds its number free, and still is too late.
  expect(await table.catalog.commit(old, { ...old.metadata, properties: { by: 'a sleeper' } })).toBe(false);
  for (const hint of ['7', 'nonsense', '']) {
    await table.storage.put('_iceberg/metadata/version-hint.text', Buffer.from(hint));
    expect((await table.catalog.load())?.location).toMatch(/v110\.metadata\.json$/);
  }
  await table.storage.remove('_iceberg/metadata/version-hint.text');
  expect((await table.catalog.load())?.location).toMatch(/v110\.metadata\.json$/);
});

test('pyiceberg finds the table in PostgreSQL and writes to it, and we go on', async () => {
  const { PGHOST, PGPORT, PGDATABASE, PGUSER, PGPASSWORD } = servers();
  const table = new TestTable(root);
  table.catalog = postgresCatalog(pool, { ...NAME, table: 'shared' }, table.storage, '_iceberg');
  await table.create({ ours: 'stays' });
  expect(await table.commit({ adds: [await table.orders(0, 5)] })).toBe(true);
  const read = await python(
    `
from pyiceberg.catalog.sql import SqlCatalog
catalog = SqlCatalog('lake', uri=given['uri'], warehouse=given['root'])
table = catalog.load_table('orders.shared')
rows = table.scan().to_arrow()
table.append(rows.slice(0, 2))
print(json.dumps([rows.num_rows, table.scan().to_arrow().num_rows]))`,
    {
      uri: `postgresql+psycopg2://${PGUSER}:${PGPASSWORD}@${PGHOST}:${PGPORT}/${PGDATABASE}?options=-csearch_path%3D${schema}`,
      root,
    },
  );
  expect(read).toEqual([5, 7]);
  // Its manifests are merged with ours.
  expect(await table.commit({ adds: [await table.orders(0, 3)] }, { mergeAt: 1 })).toBe(true);
  const { metadata } = (await table.catalog.load())!;
  expect(metadata.properties).toMatchObject({ ours: 'stays' });
  expect(metadata.snapshots?.at(-1)?.summary).toMatchObject({
    'total-records': '10',
    'total-data-files': '3',
  });
  const again = await python(
    `
from pyiceberg.catalog.sql import SqlCatalog
table = SqlCatalog('lake', uri=given['uri'], warehouse=given['root']).load_table('orders.shared')
print(json.dumps(table.scan().to_arrow().num_rows))`,
    {
      uri: `postgresql+psycopg2://${PGUSER}:${PGPASSWORD}@${PGHOST}:${PGPORT}/${PGDATABASE}?options=-csearch_path%3D${schema}`,
      root,
    },
  );
  expect(again).toBe(10);
});
