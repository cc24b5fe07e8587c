/** Reads Kafka's big-endian wire format. Reading past the end throws a RangeError. */
export class WireReader {
  #at = 0;
  constructor(private readonly data: Buffer) {}

  int8(): number {
    this.#at += 1;
    return this.data.readInt8(this.#at - 1);
  }

  int16(): number {
    this.#at += 2;
    return this.data.readInt16BE(this.#at - 2);
  }

  int32(): number {
    this.#at += 4;
    return this.data.readInt32BE(this.#at - 4);
  }

  int64(): bigint {
    this.#at += 8;
    return this.data.readBigInt64BE(this.#at - 8);
  }

  uuid(): Buffer {
    return this.#take(16);
  }

  string(): string | null {
    const length = this.int16();
    return length < 0 ? null : this.#take(length).toString();
  }

  bytes(): Buffer {
    return this.#take(Math.max(this.int32(), 0));
  }

  array<T>(item: () => T): T[] {
    return times(this.int32(), item);
  }

  unsignedVarint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.int8();
      value |= (byte & 0x7f) << shift;
      if (byte >= 0) break;
    }
    return value >>> 0;
  }

  compactString(): string | null {
    const length = this.unsignedVarint();
    return length === 0 ? null : this.#take(length - 1).toString();
  }

  compactArray<T>(item: () => T): T[] {
    return times(this.unsignedVarint() - 1, item);
  }

  /** Skips fields that a newer broker may add. */
  taggedFields(): void {
    for (let left = this.unsignedVarint(); left > 0; left -= 1) {
      this.unsignedVarint();
      this.#take(this.unsignedVarint());
    }
  }

  #take(length: number): Buffer {
    if (this.#at + length > this.data.length) throw new RangeError('a response of Kafka ends too early');
    this.#at += length;
    return this.data.subarray(this.#at - length, this.#at);
  }
}

/** Grown item by item: a length that lies would take gigabytes at once. */
function times<T>(count: number, item: () => T): T[] {
  const items: T[] = [];
  for (let left = count; left > 0; left -= 1) items.push(item());
  return items;
}

export const wire = {
  int8: (value: number) => bytes(1, (b) => b.writeInt8(value)),
  int16: (value: number) => bytes(2, (b) => b.writeInt16BE(value)),
  int32: (value: number) => bytes(4, (b) => b.writeInt32BE(value)),
  int64: (value: bigint) => bytes(8, (b) => b.writeBigInt64BE(value)),
  string: (value: string) => Buffer.concat([wire.int16(Buffer.byteLength(value)), Buffer.from(value)]),
  array: (items: Buffer[]) => Buffer.concat([wire.int32(items.length), ...items]),
  compactString: (value: string) =>
    Buffer.concat([unsignedVarint(Buffer.byteLength(value) + 1), Buffer.from(value)]),
  compactArray: (items: Buffer[]) => Buffer.concat([unsignedVarint(items.length + 1), ...items]),
  noTaggedFields: Buffer.from([0]),
};

function bytes(length: number, write: (buffer: Buffer) => void): Buffer {
  const buffer = Buffer.allocUnsafe(length);
  write(buffer);
  return buffer;
}

function unsignedVarint(value: number): Buffer {
  const out: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest >>>= 7) out.push((rest & 0x7f) | 0x80);
  out.push(rest);
  return Buffer.from(out);
}
