/** The REST catalog of another program, and its S3 store. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expire, restCatalog } from '../../../adapters/iceberg';
import { openStorage } from '../../../adapters/lake/reading';
import { TestTable } from '../../helpers/iceberg';
import { python } from '../../helpers/python';
import { startSeaweed, type Seaweed } from '../../helpers/seaweed';

jest.setTimeout(600_000);

const WAREHOUSE = 'tables';
const KEYS = { accessKey: 'test', secretKey: 'test-secret' };

let directory: string;
let seaweed: Seaweed;
const before = { ...process.env };
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'iceberg-rest-'));
  seaweed = await startSeaweed(directory, KEYS);
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: KEYS.accessKey, AWS_SECRET_ACCESS_KEY: KEYS.secretKey });
  await seaweed.makeWarehouse(WAREHOUSE);
});
afterAll(async () => {
  process.env = before;
  await seaweed.stop();
  await rm(directory, { recursive: true, force: true });
});

/** A writer of the table that knows nothing of the others. This catalog puts a table under its namespace and name. */
function writer(table: string, clientSecret = KEYS.secretKey): TestTable {
  const s3 = { endpoint: seaweed.s3, region: 'us-east-1', force_path_style: true };
  const { lake } = openStorage({ path: `s3://${WAREHOUSE}/orders`, s3 });
  const one = new TestTable(lake, undefined, table);
  const warehouse = `s3://${WAREHOUSE}`;
  const oauth = { clientId: KEYS.accessKey, clientSecret };
  one.catalog = restCatalog({ uri: `${seaweed.catalog}/`, warehouse, namespace: 'orders', table, oauth });
  return one;
}

test('makes the table, takes one of several commits to a base, and is read by pyiceberg', async () => {
  const table = writer('one');
  expect(await table.catalog.load()).toBeUndefined();
  await table.create({ 'orders.log-position': '0' });
  const files = [await table.orders(0, 5), await table.orders(1, 2)];
  expect(await table.commit({ adds: files }, { properties: { 'orders.log-position': '1' } })).toBe(true);

  const base = (await table.catalog.load())!;
  const adds = [await table.orders(0, 1)];
  const others = [1, 2, 3, 4].map(() => writer('one'));
  // All at one base.
  for (const other of others) {
    const { catalog } = other;
    other.catalog = { ...catalog, load: () => Promise.resolve(base) };
  }
  const committed = await Promise.all(others.map((other) => other.commit({ adds })));
  expect(committed.filter(Boolean)).toHaveLength(1);

  const merged = await table.orders(0, 5);
  expect(await table.commit({ operation: 'replace', adds: [merged], removes: [files[0]!] })).toBe(true);
  const read = (await table.catalog.load())!;
  expect(read.metadata.properties).toMatchObject({ 'orders.log-position': '1' });
  expect(read.metadata.snapshots?.map((one) => one.summary['total-records'])).toEqual(['7', '8', '8']);

  const expiry = await expire(table.files, read.metadata, { olderThan: Date.now() + 1, keep: 1 });
  expect(await table.catalog.commit(read, expiry.metadata)).toBe(true);
  for (const name of [...expiry.metadataFiles, ...expiry.dataFiles]) await table.files.remove(name);
  const rows = await python(
    `
from pyiceberg.catalog.rest import RestCatalog
catalog = RestCatalog('lake', **given)
table = catalog.load_table('orders.one')
rows = table.scan().to_arrow()
print(json.dumps([rows.num_rows, str(sum(rows['amount'].to_pylist())), len(table.metadata.snapshots)]))`,
    {
      uri: seaweed.catalog,
      warehouse: `s3://${WAREHOUSE}`,
      credential: `${KEYS.accessKey}:${KEYS.secretKey}`,
      's3.endpoint': seaweed.s3,
      's3.access-key-id': KEYS.accessKey,
      's3.secret-access-key': KEYS.secretKey,
      's3.region': 'us-east-1',
    },
  );
  // Keys, and so cents, of the files: 6 and 7, 8, 9 to 13.
  expect(read.metadata.snapshots).toHaveLength(3);
  expect(rows).toEqual([8, '0.76', 1]);
});

test('a client that the catalog does not know is told which settings to look at', async () => {
  await expect(writer('two', 'wrong').catalog.load()).rejects.toThrow(
    /gives no token for client test: it answers 401.*client_secret of datalake\.iceberg\.catalog/s,
  );
});
