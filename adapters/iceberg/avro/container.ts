/**
 * Avro's container files. Written by hand: the library for it drops `field-id` from the schema it writes down, and without those no
 * reader takes a manifest.
 */
import { randomBytes } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { Reader } from './decode';
import { Bytes, encode } from './encode';
import type { AvroRecord, AvroSchema } from './types';

const MAGIC = Buffer.from('Obj\x01', 'latin1');
const SYNC_BYTES = 16;
const HEADER: AvroSchema = { type: 'map', values: 'bytes' };

/** Records of one block: a reader inflates a block at a time. */
const BLOCK_RECORDS = 1000;

/** A file of these records, with further entries in its header. */
export function encodeContainer(
  schema: AvroSchema,
  records: readonly AvroRecord[],
  header: Readonly<Record<string, string>>,
): Buffer {
  const sync = randomBytes(SYNC_BYTES);
  const file = new Bytes();
  file.raw(MAGIC);
  const entries = { 'avro.schema': JSON.stringify(schema), 'avro.codec': 'deflate', ...header };
  encode(
    HEADER,
    Object.fromEntries(Object.entries(entries).map(([key, text]) => [key, Buffer.from(text)])),
    file,
  );
  file.raw(sync);
  for (let at = 0; at < records.length; at += BLOCK_RECORDS) {
    const block = records.slice(at, at + BLOCK_RECORDS);
    const bytes = new Bytes();
    for (const record of block) encode(schema, record, bytes);
    const packed = deflateRawSync(bytes.done());
    file.long(block.length);
    file.long(packed.length);
    file.raw(packed);
    file.raw(sync);
  }
  return file.done();
}

/** The records of a file, also of other writers, and its header. `names` as in {@link Reader}. */
export function decodeContainer(
  bytes: Uint8Array,
  names?: ReadonlyMap<number, string>,
): { records: AvroRecord[]; header: Record<string, string> } {
  const file = new Reader(bytes);
  if (!MAGIC.equals(file.take(MAGIC.length))) throw new RangeError('no Avro file');
  const header = Object.fromEntries(
    Object.entries(file.value(HEADER) as AvroRecord).map(([key, value]) => [
      key,
      Buffer.from(value as Uint8Array).toString(),
    ]),
  );
  const schema = JSON.parse(header['avro.schema'] ?? '') as AvroSchema;
  const inflate = inflater(header['avro.codec'] ?? 'null');
  file.take(SYNC_BYTES);
  const records: AvroRecord[] = [];
  while (!file.atEnd) {
    const count = Number(file.long());
    const block = new Reader(inflate(file.take(Number(file.long()))), names);
    for (let left = count; left > 0; left--) records.push(block.value(schema) as AvroRecord);
    file.take(SYNC_BYTES);
  }
  return { records, header };
}

function inflater(codec: string): (bytes: Uint8Array) => Uint8Array {
  if (codec === 'null') return (bytes) => bytes;
  if (codec === 'deflate') return (bytes) => inflateRawSync(bytes);
  throw new Error(
    `a manifest of the table is compressed with ${codec}, which is not read here. Set the table's property ` +
      'write.avro.compression-codec to gzip, and rewrite its manifests with what wrote them',
  );
}
