/** The strictest comparison notices each kind of harm. */
import { TABLE, compareRows } from '../../dev/oracle';
import { ORDERS_TABLE, freshPipeline, type FreshPipeline } from '../helpers/pipeline';
import { fillBoth, good, row, writeFile, OTHER_VALUES } from './lake';

let pipeline: FreshPipeline;
beforeAll(async () => {
  pipeline = await freshPipeline();
});
afterAll(() => pipeline.dispose());
beforeEach(() => fillBoth(pipeline));

const compared = () => compareRows({ ...pipeline, table: TABLE, timezone: 'UTC' });
const MISSED = 'rows are in the table, and not so in the files:';
const TOO_MUCH = 'rows are in the files, and not so in the table:';

test('a lake that holds the table', async () => {
  expect(await compared()).toEqual({ rows: 5, wrong: [] });
});

test('a row less, and a row twice', async () => {
  await writeFile(pipeline, `SELECT * FROM (${good()}) LIMIT 3`, 'part-1.parquet');
  expect((await compared()).wrong).toEqual([`1 ${MISSED} 4`]);
  await writeFile(pipeline, good(), 'part-1.parquet');
  await writeFile(pipeline, row(4, '-1.00'), 'part-2.parquet', '_quarantine');
  expect((await compared()).wrong).toEqual([`1 ${TOO_MUCH} 5`]);
});

test.each(OTHER_VALUES)('another %s', async (column, value) => {
  await writeFile(
    pipeline,
    `SELECT * REPLACE (${value} AS ${column}) FROM (${good()}) LIMIT 1`,
    'part-1.parquet',
  );
  await writeFile(pipeline, `SELECT * FROM (${good()}) OFFSET 1`, 'part-2.parquet');
  expect((await compared()).wrong.map((line) => line.replace(/^.*parquet has/, 'a file has'))).toEqual(
    expect.arrayContaining([`1 ${MISSED} 1`, `1 ${TOO_MUCH} 1`]),
  );
});

test('a value that the quarantine could not read', async () => {
  await writeFile(pipeline, row(4, 'NULL'), 'part-1.parquet', '_quarantine');
  expect((await compared()).wrong).toEqual([`1 ${MISSED} 5`, `1 ${TOO_MUCH} 5`]);
});

test('values of before', async () => {
  await pipeline.pool.query(`UPDATE ${ORDERS_TABLE} SET amount = 2 WHERE order_id = 1`);
  expect((await compared()).wrong).toEqual([`1 ${MISSED} 1`, `1 ${TOO_MUCH} 1`]);
});

test('equal values of another type', async () => {
  await writeFile(
    pipeline,
    `SELECT * REPLACE (amount::DECIMAL(12, 4) AS amount) FROM (${good()})`,
    'part-1.parquet',
  );
  expect((await compared()).wrong).toEqual([
    expect.stringMatching(/part-1\.parquet has amount as DECIMAL\(12,4\), not DECIMAL\(10,2\)$/),
  ]);
});
