/** The files of an Iceberg table, against the public specification of version 2. */
import fc from 'fast-check';
import { decodeContainer, encodeContainer } from '../../adapters/iceberg/avro/container';
import { Reader } from '../../adapters/iceberg/avro/decode';
import { Bytes, encode } from '../../adapters/iceberg/avro/encode';
import type { AvroSchema } from '../../adapters/iceberg/avro/types';
import { dayField, MANIFEST_LIST_SCHEMA, manifestSchema } from '../../adapters/iceberg/manifest-schemas';
import { newMetadata, parseMetadata, printMetadata } from '../../adapters/iceberg/metadata';
import { lowerText, serialize, upperText } from '../../adapters/iceberg/values';
import { ORDERS } from '../../domain/table/orders';
import { PAYMENTS } from '../helpers/made-up-table';

/** From the tables "Manifest Entries" and "Manifest Lists" of the specification, and its appendix on Avro: path, id, type. */
const MANIFEST = `
status 0 int
snapshot_id 1 long?
sequence_number 3 long?
file_sequence_number 4 long?
data_file 2 record
data_file.content 134 int
data_file.file_path 100 string
data_file.file_format 101 string
data_file.partition 102 record
data_file.partition.created_at_day 1000 int?
data_file.record_count 103 long
data_file.file_size_in_bytes 104 long
data_file.column_sizes 108 map?
data_file.column_sizes.key 117 int
data_file.column_sizes.value 118 long
data_file.value_counts 109 map?
data_file.value_counts.key 119 int
data_file.value_counts.value 120 long
data_file.null_value_counts 110 map?
data_file.null_value_counts.key 121 int
data_file.null_value_counts.value 122 long
data_file.nan_value_counts 137 map?
data_file.nan_value_counts.key 138 int
data_file.nan_value_counts.value 139 long
data_file.lower_bounds 125 map?
data_file.lower_bounds.key 126 int
data_file.lower_bounds.value 127 bytes
data_file.upper_bounds 128 map?
data_file.upper_bounds.key 129 int
data_file.upper_bounds.value 130 bytes
data_file.key_metadata 131 bytes?
data_file.split_offsets 132 list(133)?
data_file.equality_ids 135 list(136)?
data_file.sort_order_id 140 int?
data_file.referenced_data_file 143 string?`;

const MANIFEST_LIST = `
manifest_path 500 string
manifest_length 501 long
partition_spec_id 502 int
content 517 int
sequence_number 515 long
min_sequence_number 516 long
added_snapshot_id 503 long
added_files_count 504 int
existing_files_count 505 int
deleted_files_count 506 int
added_rows_count 512 long
existing_rows_count 513 long
deleted_rows_count 514 long
partitions 507 list(508)?
partitions.contains_null 509 boolean
partitions.contains_nan 518 boolean?
partitions.lower_bound 510 bytes?
partitions.upper_bound 511 bytes?
key_metadata 519 bytes?`;

type Json = Record<string, unknown>;

/** Of the schema that stands in a file's header: each field's path, id and type. */
function linesOf(schema: Json, path = ''): string[] {
  return (schema['fields'] as Json[]).flatMap((field) => {
    const optional = Array.isArray(field['type']);
    if (optional) {
      expect((field['type'] as unknown[])[0]).toBe('null');
      expect(field['default']).toBeNull();
    }
    const type = optional ? (field['type'] as unknown[])[1] : field['type'];
    const at = `${path}${String(field['name'])}`;
    const inner = typeof type === 'object' ? (type as Json) : { type };
    const items = inner['items'] as Json | string | undefined;
    const isMap = inner['logicalType'] === 'map';
    const word =
      inner['type'] !== 'array' ? inner['type'] : isMap ? 'map' : `list(${String(inner['element-id'])})`;
    const below = inner['type'] === 'record' ? inner : typeof items === 'object' ? items : undefined;
    return [
      `${at} ${String(field['field-id'])} ${String(word)}${optional ? '?' : ''}`,
      ...(below === undefined ? [] : linesOf(below, `${at}.`)),
    ];
  });
}

const headerOf = (schema: AvroSchema) =>
  JSON.parse(decodeContainer(encodeContainer(schema, [], {})).header['avro.schema']!) as Json;

test('manifests have the fields of the specification', () => {
  const schema = headerOf(manifestSchema([dayField('created_at_day', 1000)]));
  expect(linesOf(schema)).toEqual(MANIFEST.trim().split('\n'));
});

test('manifest lists have the fields of the specification', () => {
  expect(linesOf(headerOf(MANIFEST_LIST_SCHEMA))).toEqual(MANIFEST_LIST.trim().split('\n'));
});

describe('Avro', () => {
  const bytesOf = (schema: AvroSchema, value: Parameters<typeof encode>[1]) => {
    const into = new Bytes();
    encode(schema, value, into);
    return into.done();
  };

  test.each([
    [0, '00'],
    [-1, '01'],
    [1, '02'],
    [-64, '7f'],
    [64, '8001'],
    [2 ** 31, '8080808010'],
    [Number.MAX_SAFE_INTEGER, 'feffffffffffff1f'],
    [-(2n ** 63n), 'ffffffffffffffffff01'],
  ])('a long %s is %s', (value, hex) => {
    expect(bytesOf('long', value).toString('hex')).toBe(hex);
    expect(new Reader(Buffer.from(hex, 'hex')).long()).toBe(value);
  });

  test('what was written is read again', () => {
    const schema: AvroSchema = {
      type: 'record',
      name: 'all',
      fields: [
        { name: 'long', type: 'long' },
        { name: 'text', type: ['null', 'string'] },
        { name: 'bytes', type: 'bytes' },
        { name: 'list', type: { type: 'array', items: 'long' } },
        { name: 'map', type: { type: 'map', values: 'double' } },
        { name: 'flag', type: 'boolean' },
      ],
    };
    const whole = fc
      .bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
      .map((value) => (Number.isSafeInteger(Number(value)) ? Number(value) : value));
    const record = fc.record({
      long: whole,
      text: fc.option(fc.string({ unit: 'binary' })),
      bytes: fc.uint8Array(),
      list: fc.array(whole),
      map: fc.dictionary(fc.string(), fc.double({ noNaN: true })),
      flag: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(record, { maxLength: 5 }), (records) => {
        expect(decodeContainer(encodeContainer(schema, records, { a: 'b' }))).toMatchObject({
          records,
          header: { a: 'b' },
        });
      }),
    );
    const many = Array.from({ length: 2500 }, (_, at) => ({
      ...{ long: at, text: null, bytes: new Uint8Array(), list: [], map: {}, flag: true },
    }));
    expect(decodeContainer(encodeContainer(schema, many, {})).records).toEqual(many);
  });

  test('a file that is cut is an error', () => {
    const whole = encodeContainer(MANIFEST_LIST_SCHEMA, [], {});
    expect(() => decodeContainer(whole.subarray(0, whole.length - 1))).toThrow('cut or damaged');
    expect(() => decodeContainer(Buffer.from('PAR1'))).toThrow('no Avro file');
  });
});

describe('bounds', () => {
  // The specification's own examples, of its appendix on values in JSON and in bytes.
  test.each<[string, Parameters<typeof serialize>[1], string]>([
    ['boolean', true, '01'],
    ['int', 34, '22000000'],
    ['long', 34n, '2200000000000000'],
    ['double', 1, '000000000000f03f'],
    ['decimal(9, 2)', 1420, '058c'],
    ['decimal(9, 2)', -1, 'ff'],
    ['decimal(9, 2)', 128, '0080'],
    ['decimal(18, 2)', -128n, '80'],
    ['date', -1, 'ffffffff'],
    ['timestamptz', -1n, 'ffffffffffffffff'],
    ['uuid', 'f79c3e09-677c-4bbd-a479-3f349cb785e7', 'f79c3e09677c4bbda4793f349cb785e7'],
    ['string', 'ice', '696365'],
  ])('%s %s', (type, value, hex) => expect(serialize(type, value).toString('hex')).toBe(hex));

  test('of texts are short, and hold the text between them', () => {
    const order = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));
    const text = fc.string({ unit: 'binary', maxLength: 40 });
    fc.assert(
      fc.property(text, (value) => {
        const [lower, upper] = [lowerText(value), upperText(value)];
        expect([...lower].length).toBeLessThanOrEqual(16);
        expect(order(lower, value)).toBeLessThanOrEqual(0);
        if (upper === undefined) return;
        expect([...upper].length).toBeLessThanOrEqual(16);
        expect(order(value, upper)).toBeLessThanOrEqual(0);
      }),
    );
    expect(upperText('a'.repeat(17))).toBe(`${'a'.repeat(15)}b`);
    expect(upperText(`${'a'.repeat(15)}\u{10ffff}x`)).toBe(`${'a'.repeat(14)}b`);
    expect(upperText('\u{10ffff}'.repeat(17))).toBeUndefined();
    expect(upperText(`${'a'.repeat(15)}\ud7ffx`)).toBe(`${'a'.repeat(15)}\ue000`);
  });
});

describe('metadata', () => {
  test('has what the specification requires', () => {
    const metadata = JSON.parse(printMetadata(newMetadata(ORDERS, '/lake/_iceberg', { a: 'b' }, 5))) as Json;
    expect(metadata).toMatchObject({
      'format-version': 2,
      'table-uuid': expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/) as string,
      location: '/lake/_iceberg',
      'last-sequence-number': 0,
      'last-updated-ms': 5,
      'last-column-id': 8,
      'current-schema-id': 0,
      'default-spec-id': 0,
      'last-partition-id': 1000,
      'default-sort-order-id': 1,
      properties: { a: 'b' },
    });
    expect(metadata['schemas']).toEqual([
      {
        type: 'struct',
        'schema-id': 0,
        'identifier-field-ids': [1],
        fields: [
          { id: 1, name: 'order_id', required: true, type: 'long' },
          { id: 2, name: 'customer_name', required: false, type: 'string' },
          { id: 3, name: 'restaurant_name', required: false, type: 'string' },
          { id: 4, name: 'item', required: false, type: 'string' },
          { id: 5, name: 'amount', required: false, type: 'decimal(10, 2)' },
          { id: 6, name: 'order_status', required: false, type: 'string' },
          { id: 7, name: 'created_at', required: false, type: 'timestamptz' },
          { id: 8, name: 'validation_status', required: false, type: 'string' },
        ],
      },
    ]);
    expect(metadata['partition-specs']).toEqual([
      {
        'spec-id': 0,
        fields: [{ 'source-id': 7, 'field-id': 1000, name: 'created_at_day', transform: 'day' }],
      },
    ]);
  });

  test('knows every type of column', () => {
    const { schemas } = newMetadata(PAYMENTS, '/lake', {}, 0);
    expect(schemas[0]?.fields.map(({ type }) => type)).toEqual(
      expect.arrayContaining([
        ...['long', 'int', 'double', 'boolean', 'string', 'uuid', 'date', 'timestamp', 'timestamptz'],
        'decimal(18, 4)',
      ]),
    );
  });

  test('keeps what other writers wrote, their 63-bit ids too', () => {
    const text = printMetadata(newMetadata(ORDERS, '/lake', {}, 0)).replace(
      '{',
      '{"statistics":[9007199254740993],"row-lineage":1.5,',
    );
    const parsed = parseMetadata(text, '/lake/v1');
    expect(printMetadata(parsed)).toBe(text);
    expect(() => parseMetadata(text.replace('"format-version":2', '"format-version":3'), '/lake/v1')).toThrow(
      '/lake/v1 is no metadata of an Iceberg table of version 2, but of version 3.',
    );
  });
});
