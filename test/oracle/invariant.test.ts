/** The oracle notices: each kind of harm is done to a lake that DuckDB wrote, with nothing of the product. */
import { copyFileSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { WorkflowFailedError, type Client } from '@temporalio/client';
import { ORDERS_TABLE, freshPipeline, type FreshPipeline } from '../helpers/pipeline';
import { look, remember, type Expected, type Subject } from '../../dev/oracle';
import { AMOUNTS, DAY, fillBoth, good, row, writeFile, OTHER_VALUES } from './lake';

let pipeline: FreshPipeline;
beforeAll(async () => {
  pipeline = await freshPipeline();
});
afterAll(() => pipeline.dispose());

beforeEach(() => fillBoth(pipeline));

const write = (select: string, name: string, root = '') => writeFile(pipeline, select, name, root);

/** Workflows that answer this. */
function subject(status: object = {}, failure?: string): Subject {
  const failed = new WorkflowFailedError('failed', new Error(failure), 'MAXIMUM_ATTEMPTS_REACHED');
  const handle = {
    describe: () => Promise.resolve({ status: { name: failure === undefined ? 'RUNNING' : 'FAILED' } }),
    result: () => Promise.reject(failed),
    query: () => Promise.resolve(status),
  };
  const client = {
    workflow: { getHandle: () => handle },
    withDeadline: (_: number, work: () => Promise<unknown>) => work(),
  };
  return { pipeline, client: client as unknown as Client };
}

const checked = async (expected?: Expected, status?: object, failure?: string) =>
  (await look(subject(status, failure), expected)).wrong;

test('a lake that holds the table', async () => {
  expect(await checked()).toEqual([]);
});

test('a table of other types, with a column less', async () => {
  await pipeline.pool
    .query(`CREATE VIEW narrow AS SELECT order_id::numeric AS order_id, restaurant_name, item, amount,
    order_status, created_at::timestamptz AS created_at FROM ${ORDERS_TABLE}`);
  const wrong = await checked({ table: 'narrow' });
  expect(wrong).toEqual([
    expect.stringMatching(/^4 rows .* lake with values .* never had/),
    expect.any(String),
  ]);
});

test('a row that is in no file, and which of them are counted', async () => {
  await write(`SELECT * FROM (${good()}) LIMIT 3`, 'part-1.parquet');
  expect(await checked()).toEqual(['1 rows are in no file, and 0 counted: 4']);
  expect(await checked({}, { missed: { backdated: 1, withoutCreatedAt: 0 } })).toEqual([]);
  expect(await checked({}, { unreachable: [{ rows: 1 }] })).toEqual([]);
  const none = { missed: { backdated: 0, withoutCreatedAt: 0 }, unreachable: [{ rows: 0 }] };
  expect(await checked({}, none)).toHaveLength(1);
});

test('a count that is not exact where it has to be', async () => {
  // Both workflows of this subject answer alike, so each counts one.
  expect(await checked({ counted: 2 }, { unreachable: [{ rows: 1 }] })).toEqual([
    '2 rows were to be counted; 0 are in no file (), 2 counted',
  ]);
});

test('a row that is there twice: in another file of its day, and in lake and quarantine', async () => {
  await write(row(0, AMOUNTS[0]!), 'part-2.parquet');
  expect(await checked()).toEqual(['1 rows are more often in the files than in the table: 1']);
  rmSync(join(pipeline.lakePath, `date=${DAY}`, 'part-2.parquet'));
  await write(row(0, AMOUNTS[0]!), 'part-2.parquet', '_quarantine');
  expect(await checked()).toEqual(['1 rows are more often in the files than in the table: 1']);
});

test('a row that the table does not hold', async () => {
  await write(row(6, '5.00'), 'part-2.parquet');
  expect(await checked()).toEqual(['1 rows are in the files, but not in the table: 7']);
  expect(await checked({ foreign: ['7'] })).toEqual([]);
  expect(await checked({ foreign: ['7', '8'] })).toEqual(['1 rows are in no file, and 0 counted: 8']);
});

test.each(OTHER_VALUES)('another %s', async (column, value) => {
  await write(`SELECT * REPLACE (${value} AS ${column}) FROM (${good()}) LIMIT 1`, 'part-1.parquet');
  await write(`SELECT * FROM (${good()}) OFFSET 1`, 'part-2.parquet');
  expect(await checked()).toEqual(['1 rows are in the lake with values that the table never had: 1']);
});

test('values of before are fine where they are declared', async () => {
  const earlier = [await remember(subject())];
  await pipeline.pool.query(`UPDATE ${ORDERS_TABLE} SET amount = 2 WHERE order_id = 1`);
  await pipeline.pool.query(`DELETE FROM ${ORDERS_TABLE} WHERE order_id = 2`);
  expect(await checked()).toHaveLength(2);
  expect(await checked({ earlier })).toEqual([]);
});

test('an id that was used again after TRUNCATE is there twice', async () => {
  const earlier = [await remember(subject())];
  const LATER = `created_at + INTERVAL '1 second'`;
  await pipeline.pool.query(`UPDATE ${ORDERS_TABLE} SET created_at = ${LATER} WHERE order_id = 1`);
  await write(`SELECT * REPLACE (${LATER} AS created_at) FROM (${good()}) LIMIT 1`, 'part-2.parquet');
  expect(await checked({ earlier })).toEqual([]);
});

test('a value of the quarantine, unless it could not be read', async () => {
  await write(row(4, 'NULL'), 'part-1.parquet', '_quarantine');
  expect(await checked()).toEqual([]);
  await write(row(4, '-2.00'), 'part-1.parquet', '_quarantine');
  expect(await checked()).toEqual(['1 rows are in the quarantine with values that the table never had: 5']);
});

test('messages of others that have no order_id are counted', async () => {
  await write(
    `SELECT * REPLACE (NULL::BIGINT AS order_id) FROM (${row(4, '1.00')})`,
    'part-2.parquet',
    '_quarantine',
  );
  expect(await checked()).toHaveLength(1);
  expect(await checked({ foreignWithoutId: 1 })).toEqual([]);
  expect(await checked({ foreignWithoutId: 2 })).toEqual([
    '1 rows are in no file, and 0 counted: without order_id',
  ]);
});

test('a file in the directory of another day; hidden names are nobody’s', async () => {
  const directory = join(pipeline.lakePath, `date=${DAY}`);
  copyFileSync(join(directory, 'part-1.parquet'), join(directory, '.part-1.parquet'));
  expect(await checked()).toEqual([]);
  mkdirSync(join(pipeline.lakePath, 'date=2025-11-19'));
  copyFileSync(join(directory, 'part-1.parquet'), join(pipeline.lakePath, 'date=2025-11-19/part-1.parquet'));
  rmSync(join(directory, 'part-1.parquet'));
  expect(readdirSync(directory)).toEqual(['.part-1.parquet']);
  expect(await checked()).toEqual([expect.stringMatching(/^4 rows are in the directory of another day/)]);
});

test('a workflow that stopped has to have said why', async () => {
  await write(`SELECT * FROM (${good()}) LIMIT 3`, 'part-1.parquet');
  expect(await checked({}, {}, 'the table is gone')).toEqual(
    expect.arrayContaining([expect.stringMatching(/^orders-land does not run: FAILED the table is gone/)]),
  );
  expect(await checked({ stopped: /table is gone/ }, {}, 'the table is gone')).toEqual([]);
  expect(await checked({ stopped: /table is gone/ })).toHaveLength(2);
});
