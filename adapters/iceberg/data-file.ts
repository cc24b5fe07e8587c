/** What a manifest says of a data file, from the file's footer. */
import { parquetMetadataAsync, type FileMetaData } from 'hyparquet';
import type { IcebergField } from './table-schema';
import { lowerText, serialize, upperText } from './values';
import type { Long } from './avro/types';

type ByField<T> = { key: number; value: T }[];

/** In a manifest; the names are the specification's. */
export interface DataFile {
  content: number;
  file_path: string;
  file_format: string;
  partition: Record<string, number | null>;
  record_count: Long;
  file_size_in_bytes: Long;
  column_sizes?: ByField<Long> | null;
  value_counts?: ByField<Long> | null;
  null_value_counts?: ByField<Long> | null;
  nan_value_counts?: ByField<Long> | null;
  lower_bounds?: ByField<Uint8Array> | null;
  upper_bounds?: ByField<Uint8Array> | null;
  key_metadata?: Uint8Array | null;
  split_offsets?: Long[] | null;
  equality_ids?: number[] | null;
  sort_order_id?: number | null;
  referenced_data_file?: string | null;
}

/** Bytes of a file from one place to another. */
export interface FileBytes {
  byteLength: number;
  slice(start: number, end?: number): ArrayBuffer | Promise<ArrayBuffer>;
}

type Statistics = Pick<
  DataFile,
  | 'record_count'
  | 'column_sizes'
  | 'value_counts'
  | 'null_value_counts'
  | 'lower_bounds'
  | 'upper_bounds'
  | 'split_offsets'
>;

/** What a footer holds of these fields, which files know by their ids, or, without, by their names. */
export async function readStatistics(file: FileBytes, fields: readonly IcebergField[]): Promise<Statistics> {
  return statisticsOf(await parquetMetadataAsync(file, { parsers: PLAIN }), fields);
}

/** Values as they are in the file: the library's own cut microseconds, and make floats of decimals. */
const PLAIN = {
  timestampFromMilliseconds: (value: bigint) => value * 1000n,
  timestampFromMicroseconds: (value: bigint) => value,
  timestampFromNanoseconds: (value: bigint) => value / 1000n,
  dateFromDays: (value: number) => value,
  // A bound that was cut within a character is none.
  stringFromBytes: (bytes: Uint8Array | undefined) => {
    const text = bytes && Buffer.from(bytes).toString();
    return text === undefined || !Buffer.from(text).equals(bytes!) ? undefined : text;
  },
} as never;

function statisticsOf(footer: FileMetaData, fields: readonly IcebergField[]): Statistics {
  const columns = footer.schema.slice(1);
  const sizes: ByField<number> = [];
  const values: ByField<number> = [];
  const nulls: ByField<number> = [];
  const lower: ByField<Uint8Array> = [];
  const upper: ByField<Uint8Array> = [];
  for (const field of fields) {
    const at = columns.findIndex(({ field_id, name }) =>
      field_id === undefined ? name === field.name : field_id === field.id,
    );
    if (at < 0) continue;
    const chunks = footer.row_groups.map(({ columns: chunks }) => chunks[at]?.meta_data);
    const total = (number: (chunk: NonNullable<(typeof chunks)[0]>) => bigint | undefined) =>
      chunks.reduce<number | undefined>((sum, chunk) => {
        const one = chunk && number(chunk);
        return sum === undefined || one === undefined ? undefined : sum + Number(one);
      }, 0);
    const add = (to: ByField<number>, value: number | undefined) =>
      value !== undefined && to.push({ key: field.id, value });
    add(
      sizes,
      total((chunk) => chunk.total_compressed_size),
    );
    add(
      values,
      total((chunk) => chunk.num_values),
    );
    add(
      nulls,
      total((chunk) => chunk.statistics?.null_count),
    );
    const [least, most] = extremes(
      chunks.map((chunk) => chunk?.statistics),
      field,
    );
    if (least !== undefined) lower.push({ key: field.id, value: least });
    if (most !== undefined) upper.push({ key: field.id, value: most });
  }
  const offsets = footer.row_groups.map(({ file_offset, columns: [first] }) =>
    Number(first?.meta_data?.dictionary_page_offset ?? first?.meta_data?.data_page_offset ?? file_offset),
  );
  return {
    record_count: Number(footer.num_rows),
    column_sizes: sizes,
    value_counts: values,
    null_value_counts: nulls,
    lower_bounds: lower,
    upper_bounds: upper,
    split_offsets: offsets,
  };
}

type Bounds = { min_value?: unknown; max_value?: unknown; null_count?: bigint } | undefined;

/** The least and the greatest value of all row groups, if each tells. */
function extremes(groups: readonly Bounds[], field: IcebergField): [Buffer | undefined, Buffer | undefined] {
  // A NaN makes a column of floats have no order.
  if (field.type === 'double' || groups.length === 0) return [undefined, undefined];
  const least = groups.map((group) => orderable(group?.min_value, field.type));
  const most = groups.map((group) => orderable(group?.max_value, field.type));
  const ends = [
    least.includes(undefined) ? undefined : least.reduce((a, b) => (before(b!, a!) ? b : a)),
    most.includes(undefined) ? undefined : most.reduce((a, b) => (before(a!, b!) ? b : a)),
  ] as const;
  if (field.type !== 'string') return [bytesOf(field.type, ends[0]), bytesOf(field.type, ends[1])];
  return [
    bytesOf('string', ends[0] === undefined ? undefined : lowerText(String(ends[0]))),
    bytesOf('string', ends[1] === undefined ? undefined : upperText(String(ends[1]))),
  ];
}

const bytesOf = (type: string, value: string | bigint | number | boolean | undefined) =>
  value === undefined ? undefined : serialize(type, value);

/** The footer's value, as exact as the file's; `undefined` where that is not known. */
function orderable(value: unknown, type: string): string | bigint | number | boolean | undefined {
  const decimal = /^decimal\((\d+), (\d+)\)$/.exec(type);
  // The library divides decimals, which is undone exactly up to the digits that a double holds.
  if (decimal !== null)
    return typeof value === 'number' && Number(decimal[1]) <= 15
      ? BigInt(Math.round(value * 10 ** Number(decimal[2])))
      : undefined;
  if (['string', 'bigint', 'number', 'boolean'].includes(typeof value))
    return value as string | bigint | number | boolean;
  return undefined;
}

/** Texts by their UTF-8, as in Parquet. */
function before(a: string | bigint | number | boolean, b: string | bigint | number | boolean): boolean {
  return typeof a === 'string' ? Buffer.compare(Buffer.from(a), Buffer.from(String(b))) < 0 : a < b;
}
