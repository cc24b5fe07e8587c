/** The merged file: the same rows in the same types, as independent readers see them. */
import fs from 'node:fs/promises';
import { join } from 'node:path';
import { ORDERS } from '../../../domain/table/orders';
import type { LakeFile, LakePart } from '../../../ports';
import { readParquet, withDuckDB } from '../../../adapters/lake/reading';
import { createOrdersLake } from '../../../adapters/lake/writing';
import { writeMerged, type Merged } from '../../../adapters/lake/writing/merge';
import { accepted, batch, freshLake, quarantined, storageAt, write } from '../../helpers/lake';
import { SILENT } from '../../helpers/telemetry';

let remove: () => Promise<void>;
let path: string;

beforeEach(async () => {
  ({ remove, path } = await freshLake());
});
afterEach(() => remove());

const never = new AbortController().signal;
const CREATED = '2025-11-18T10:00:00.';

/** Three batches of one date, with what files of all versions may hold. */
async function threeBatches(): Promise<Record<LakePart, LakeFile[]>> {
  const inputs: Record<LakePart, LakeFile[]> = { lake: [], quarantine: [] };
  for (const sequence of [1, 2, 3]) {
    const compression = (['snappy', 'gzip', 'uncompressed'] as const)[sequence - 1]!;
    const { files, quarantineFiles } = await write(
      createOrdersLake({ path, compression }, SILENT),
      batch(sequence),
      {
        accepted: [
          accepted(
            (BigInt(sequence) * 4_000_000_000_000_000_000n * (sequence === 2 ? -1n : 1n)) % 2n ** 63n,
            {
              amountHundredths: sequence === 1 ? 9_999_999_999 : 1,
              customerName: 'é\u0000"\n'.repeat(sequence),
              createdAt: `${CREATED}00000${4 - sequence}Z`,
            },
          ),
          accepted(sequence, { createdAt: `${CREATED}999999Z` }),
        ],
        quarantined: [
          quarantined(Buffer.from([0x7b, 0xff, 0x00, sequence]), {
            partition: 3 - sequence,
            offset: sequence,
          }),
          quarantined(null, { offset: 10 * sequence, key: null }),
          quarantined(`{"order_id":${sequence},"amount":1.999,"created_at":"${CREATED}5Z"}`, { offset: 7 }),
        ],
      },
    );
    inputs.lake.push(...files);
    inputs.quarantine.push(...quarantineFiles);
  }
  return inputs;
}

function merge(part: LakePart, inputs: readonly LakeFile[], signal = never): Promise<Merged> {
  return writeMerged(storageAt(path)[part], ORDERS, { part, inputs, batch: 3 }, signal);
}

async function merged(part: LakePart, inputs: readonly LakeFile[]): Promise<LakeFile> {
  const result = await merge(part, inputs);
  if (!('file' in result)) throw new Error('damaged');
  return result.file;
}

const hidden = ({ path: name }: LakeFile) => name.replace('part-', '.part-') + '.merged';

/** Schema and rows as DuckDB sees them. Its writer says UTF8 in the old way only, and of whole numbers what they are anyway. */
function read(files: readonly string[], order: string) {
  return withDuckDB(async (duckdb) => {
    const source = readParquet(files);
    const rows = await duckdb.runAndReadAll(`SELECT * FROM ${source} ORDER BY ${order}`);
    const fields = await duckdb.runAndReadAll(
      `SELECT name, type, nullif(logical_type, 'StringType()'), nullif(nullif(converted_type, 'INT_32'), 'INT_64'),
              repetition_type, precision, scale, field_id
         FROM ${source.replace('read_parquet', 'parquet_schema').replace(', hive_partitioning = false', '')}
        WHERE repetition_type = 'OPTIONAL'`,
    );
    return { schema: fields.getRowsJson(), types: rows.columnTypes().map(String), rows: rows.getRowsJson() };
  });
}

test.each([
  ['lake', 'created_at, order_id'],
  ['quarantine', 'kafka_partition, kafka_offset, order_id'],
] as const)('of the %s has the rows, types and field ids of its inputs', async (part, order) => {
  const inputs = (await threeBatches())[part];
  const file = await merged(part, inputs);
  const root = storageAt(path)[part];
  const one = await read([root.locate(hidden(file))], order);
  const [first, ...others] = await Promise.all(inputs.map((input) => read([root.locate(input.path)], order)));
  const all = await read(
    inputs.map((input) => root.locate(input.path)),
    order,
  );
  expect(one).toEqual({ ...all, schema: first?.schema });
  expect(one.schema).toHaveLength(part === 'lake' ? 8 : 15);
  for (const other of others) expect(one.schema).toEqual(other.schema);
  const found = await root.fingerprint(hidden(file));
  expect(found).toEqual({ bytes: file.bytes, sha256: file.sha256 });
  expect(file).toMatchObject({
    path: `date=2025-11-18/part-0000000003-${file.sha256.slice(0, 12)}.parquet`,
    rows: one.rows.length,
  });
  if (part === 'lake')
    expect(file).toMatchObject({
      first: { createdAt: `${CREATED}000001Z` },
      last: { createdAt: `${CREATED}999999Z`, orderId: '3' },
    });
  expect((await root.get(hidden(file)))?.includes('org.apache.spark.version')).toBe(true);
});

test('the same inputs in any order give the same bytes, others do not; a merged file is an input like others', async () => {
  const inputs = await threeBatches();
  for (const part of ['lake', 'quarantine'] as const) {
    const [first, second, third] = inputs[part] as [LakeFile, LakeFile, LakeFile];
    const all = await merged(part, [first, second, third]);
    expect(await merged(part, [third, first, second])).toEqual(all);
    const two = await merged(part, [first, second]);
    expect(two.sha256).not.toBe(all.sha256);
    const root = storageAt(path)[part];
    await root.move(hidden(two), two.path);
    expect(await merged(part, [third, two])).toEqual(all);
  }
});

test('a file that is not what the ledger says is named, and nothing is written', async () => {
  const inputs = (await threeBatches()).lake;
  const [, second, third] = inputs as [LakeFile, LakeFile, LakeFile];
  const bytes = await fs.readFile(join(path, second.path));
  await fs.writeFile(join(path, second.path), bytes.fill(1, 40, 41));
  await fs.rm(join(path, third.path));
  expect(await merge('lake', inputs)).toEqual({ damaged: [second, third] });
  expect((await fs.readdir(join(path, 'date=2025-11-18'))).filter((name) => name.startsWith('.'))).toEqual(
    [],
  );
});

test('one with other rows than the ledger says is refused, and one that is stopped writes nothing', async () => {
  const [first, ...others] = (await threeBatches()).lake as [LakeFile, ...LakeFile[]];
  await expect(merge('lake', [{ ...first, rows: 3 }, ...others])).rejects.toThrow(
    'have 7 rows by the ledger, but 6 when they were merged',
  );
  const stopping = AbortSignal.abort(new Error('stopped'));
  await expect(merge('lake', [first, ...others], stopping)).rejects.toThrow('stopped');
  expect((await fs.readdir(join(path, 'date=2025-11-18'))).filter((name) => name.startsWith('.'))).toEqual(
    [],
  );
});
