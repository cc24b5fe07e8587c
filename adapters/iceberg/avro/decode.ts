import { longOf, type AvroRecord, type AvroSchema, type AvroValue, type Long } from './types';

/** Reads values one after the other. Throws a RangeError where the bytes end too early. */
export class Reader {
  #at = 0;

  /** `names`: what a field with an id is called in the records, whatever its writer called it. */
  constructor(
    private readonly bytes: Uint8Array,
    private readonly names: ReadonlyMap<number, string> = new Map(),
  ) {}

  get atEnd(): boolean {
    return this.#at >= this.bytes.length;
  }

  take(length: number): Uint8Array {
    if (length < 0 || this.#at + length > this.bytes.length)
      throw new RangeError('the Avro file is cut or damaged');
    this.#at += length;
    return this.bytes.subarray(this.#at - length, this.#at);
  }

  long(): Long {
    let [low, shift] = [0, 0];
    for (; shift < 28; shift += 7) {
      const byte = this.#byte();
      low += (byte & 0x7f) << shift;
      if (byte < 0x80) return (low >>> 1) ^ -(low & 1);
    }
    let value = BigInt(low);
    for (let at = 28n; at < 70n; at += 7n) {
      const byte = this.#byte();
      value |= BigInt(byte & 0x7f) << at;
      if (byte < 0x80) return longOf((value >> 1n) ^ -(value & 1n));
    }
    throw new RangeError('the Avro file is damaged: a number of more than 64 bits');
  }

  value(schema: AvroSchema): AvroValue {
    if (Array.isArray(schema)) return this.value(schema[this.#length()] as AvroSchema);
    const type = typeof schema === 'string' ? schema : schema.type;
    switch (type) {
      case 'null':
        return null;
      case 'boolean':
        return this.#byte() === 1;
      case 'int':
      case 'long':
        return this.long();
      case 'string':
        return Buffer.from(this.take(this.#length())).toString();
      case 'bytes':
        return this.take(this.#length()).slice();
      case 'float':
        return Buffer.from(this.take(4)).readFloatLE();
      case 'double':
        return Buffer.from(this.take(8)).readDoubleLE();
    }
    if (typeof schema !== 'object')
      throw new RangeError(`${String(schema)} is no type of Avro that is read here`);
    switch (schema.type) {
      case 'fixed':
        return this.take(schema.size).slice();
      case 'record': {
        const record: AvroRecord = {};
        for (const { name, type: of, 'field-id': id } of schema.fields)
          record[(id === undefined ? undefined : this.names.get(id)) ?? name] = this.value(of);
        return record;
      }
      case 'array':
        return this.#blocks(() => this.value(schema.items));
      case 'map': {
        const pairs = this.#blocks(
          () => [this.value('string') as string, this.value(schema.values)] as const,
        );
        return Object.fromEntries(pairs);
      }
      default:
        throw new RangeError(`${JSON.stringify(schema)} is no type of Avro that is read here`);
    }
  }

  #blocks<T>(item: () => T): T[] {
    const items: T[] = [];
    for (;;) {
      const count = Number(this.long());
      if (count === 0) return items;
      // A negative count comes with the block's size, for those who skip it.
      if (count < 0) this.long();
      for (let left = Math.abs(count); left > 0; left--) items.push(item());
    }
  }

  #length(): number {
    return Number(this.long());
  }

  #byte(): number {
    return this.take(1)[0] as number;
  }
}
