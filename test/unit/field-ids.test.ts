/** New files have field ids and count all times in microseconds, those of released versions do not; readers take them together. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { readParquet, withDuckDB } from '../../adapters/lake/reading/duckdb';
import { encodeRows } from '../../adapters/lake/writing/parquet-writer';
import { encodeQuarantined } from '../../adapters/lake/writing/quarantine-writer';
import { ORDERS } from '../../domain/table/orders';
import { accepted, quarantined } from '../helpers/lake';
import { leftBy, RELEASES, type Release } from '../world/releases/restore';

let directory: string;
beforeAll(async () => (directory = await mkdtemp(join(tmpdir(), 'orders-field-ids-'))));
afterAll(() => rm(directory, { recursive: true }));

/** The first Parquet file that a release left behind in the lake or its quarantine. */
async function ofRelease(release: Release, root: string): Promise<string> {
  const { files } = leftBy(release);
  const [, bytes] = Object.entries(files).find(
    ([path]) => path.startsWith(`${root}/date=`) && path.endsWith('.parquet'),
  )!;
  const path = join(directory, `${root}-${release}.parquet`);
  await writeFile(path, Buffer.from(bytes, 'base64'));
  return path;
}

async function ofToday(root: string): Promise<string> {
  const path = join(directory, `${root}.parquet`);
  const bytes =
    root === 'lake'
      ? encodeRows(ORDERS, [accepted(1_001), accepted(1_002)], 'snappy')
      : encodeQuarantined(ORDERS, [quarantined('{"order_id":1003}'), quarantined('x')], 'snappy');
  await writeFile(path, bytes);
  return path;
}

const fieldsOf = async (path: string) => {
  const bytes = await readFile(path);
  const { schema } = await parquetMetadataAsync(
    bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length),
  );
  return schema.slice(1);
};

const idsOf = async (path: string) => (await fieldsOf(path)).map(({ field_id }) => field_id);

/** The annotations of the quarantine's own time. */
const kafkaTimeOf = async (path: string) => {
  const { converted_type, logical_type } = (await fieldsOf(path)).find(
    ({ name }) => name === 'kafka_timestamp',
  )!;
  return [converted_type, logical_type];
};

describe.each(RELEASES)('beside a file of %s', (release) => {
  test.each([
    ['lake', 8, 2],
    ['lake_quarantine', 15, 2],
  ])('%s', async (root, fields, rows) => {
    const [before, today] = [await ofRelease(release, root), await ofToday(root)];
    expect(await idsOf(today)).toEqual(Array.from({ length: fields }, (_, at) => at + 1));
    expect(await idsOf(before)).toEqual(new Array<undefined>(fields).fill(undefined));
    await withDuckDB(async (duckdb) => {
      const read = async (files: string[]) =>
        (await duckdb.runAndReadAll(`SELECT * FROM ${readParquet(files)} ORDER BY ALL`)).getRowsJson();
      const apart = [...(await read([before])), ...(await read([today]))];
      const together = await read([before, today]);
      expect(together).toHaveLength(apart.length);
      expect(together).toEqual(expect.arrayContaining(apart));
      expect(await read([today, before])).toEqual(together);
    });
    if (root === 'lake_quarantine') {
      const time = { type: 'TIMESTAMP', isAdjustedToUTC: true };
      expect(await kafkaTimeOf(today)).toEqual(['TIMESTAMP_MICROS', { ...time, unit: 'MICROS' }]);
      expect(await kafkaTimeOf(before)).toEqual(['TIMESTAMP_MILLIS', { ...time, unit: 'MILLIS' }]);
      await withDuckDB(async (duckdb) => {
        const times = await duckdb.runAndReadAll(
          `SELECT DISTINCT year(kafka_timestamp)::INTEGER, typeof(kafka_timestamp) FROM ${readParquet([before, today])} ORDER BY 1`,
        );
        expect(times.getRows()).toEqual([
          [2025, 'TIMESTAMP WITH TIME ZONE'],
          [2026, 'TIMESTAMP WITH TIME ZONE'],
        ]);
      });
    }
    const file = await readFile(today);
    const bytes = file.buffer.slice(file.byteOffset, file.byteOffset + file.length);
    expect(await parquetReadObjects({ file: bytes })).toHaveLength(rows);
  });
});
