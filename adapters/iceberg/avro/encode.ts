import type { AvroRecord, AvroSchema, AvroValue, Long } from './types';

/** Bytes that are written one after the other. */
export class Bytes {
  #buffer = Buffer.alloc(4096);
  #length = 0;

  done(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#length++] = value;
  }

  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Zigzag, seven bits a byte, the lowest first. */
  long(value: Long): void {
    if (typeof value === 'number' && Math.abs(value) < 2 ** 30) {
      let left = (value << 1) ^ (value >> 31);
      for (; left > 0x7f; left >>>= 7) this.byte((left & 0x7f) | 0x80);
      this.byte(left);
      return;
    }
    const signed = BigInt(value);
    let left = BigInt.asUintN(64, (signed << 1n) ^ (signed >> 63n));
    for (; left > 0x7fn; left >>= 7n) this.byte(Number(left & 0x7fn) | 0x80);
    this.byte(Number(left));
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#buffer.length) return;
    const larger = Buffer.alloc(Math.max(this.#buffer.length * 2, this.#length + bytes));
    larger.set(this.done());
    this.#buffer = larger;
  }
}

/** Adds a value. A field of a record that is `undefined` is null. Throws a TypeError where the value is none of the schema. */
export function encode(schema: AvroSchema, value: AvroValue, into: Bytes): void {
  if (Array.isArray(schema)) {
    const place = schema.findIndex((branch) => (branch === 'null') === (value === null));
    into.long(place);
    encode(schema[place] as AvroSchema, value, into);
    return;
  }
  const type = typeof schema === 'string' ? schema : schema.type;
  switch (type) {
    case 'null':
      return;
    case 'boolean':
      return into.byte(value === true ? 1 : 0);
    case 'int':
    case 'long':
      if (typeof value !== 'bigint' && !Number.isSafeInteger(value))
        throw new TypeError(`${JSON.stringify(value)} is no ${type}`);
      return into.long(value as Long);
    case 'string':
    case 'bytes': {
      const bytes = type === 'string' ? Buffer.from(value as string) : (value as Uint8Array);
      into.long(bytes.length);
      return into.raw(bytes);
    }
    case 'float':
    case 'double': {
      const bytes = Buffer.alloc(type === 'float' ? 4 : 8);
      if (type === 'float') bytes.writeFloatLE(value as number);
      else bytes.writeDoubleLE(value as number);
      return into.raw(bytes);
    }
  }
  if (typeof schema === 'string') throw new TypeError(`${schema} is no type of Avro`);
  switch (schema.type) {
    case 'fixed':
      return into.raw(value as Uint8Array);
    case 'record':
      for (const field of schema.fields) encode(field.type, (value as AvroRecord)[field.name] ?? null, into);
      return;
    case 'array': {
      const items = value as AvroValue[];
      if (items.length > 0) into.long(items.length);
      for (const item of items) encode(schema.items, item, into);
      return into.long(0);
    }
    case 'map': {
      const pairs = Object.entries(value as AvroRecord);
      if (pairs.length > 0) into.long(pairs.length);
      for (const [key, one] of pairs) {
        encode('string', key, into);
        encode(schema.values, one ?? null, into);
      }
      return into.long(0);
    }
  }
}
