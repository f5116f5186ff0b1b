/** The little of Protocol Buffers that Google's push messages need: varints, 64-bit numbers, bytes, by field number. */

export type Fields = ReadonlyMap<number, readonly (bigint | Buffer)[]>;

export function varint(value: number | bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest === 0n ? low : low | 0x80);
  } while (rest !== 0n);
  return Buffer.from(bytes);
}

export function numberField(field: number, value: number | bigint): Buffer {
  return Buffer.concat([varint(field << 3), varint(value)]);
}

export function fixed64Field(field: number, value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return Buffer.concat([varint((field << 3) | 1), bytes]);
}

export function bytesField(field: number, value: string | Buffer): Buffer {
  const bytes = Buffer.from(value as string);
  return Buffer.concat([varint((field << 3) | 2), varint(bytes.length), bytes]);
}

/** Value and the offset after it, or null when the bytes end inside it. */
export function readVarint(bytes: Buffer, from: number): { readonly value: bigint; readonly end: number } | null {
  let value = 0n;
  for (let index = from; index < bytes.length; index++) {
    const byte = bytes[index] as number;
    value |= BigInt(byte & 0x7f) << BigInt(7 * (index - from));
    if (byte < 0x80) return { value, end: index + 1 };
  }
  return null;
}

export function readFields(bytes: Buffer): Fields {
  const fields = new Map<number, (bigint | Buffer)[]>();
  for (let offset = 0; offset < bytes.length;) {
    const key = complete(readVarint(bytes, offset));
    const { value, end } = readValue(bytes, Number(key.value & 7n), key.end);
    const field = Number(key.value >> 3n);
    fields.set(field, [...(fields.get(field) ?? []), value]);
    offset = end;
  }
  return fields;
}

export function textOf(fields: Fields, field: number): string {
  return String(fields.get(field)?.[0] ?? '');
}

function readValue(bytes: Buffer, wireType: number, from: number): { value: bigint | Buffer; end: number } {
  if (wireType === 0) return complete(readVarint(bytes, from));
  const length = wireType === 2 ? complete(readVarint(bytes, from)) : null;
  const start = length?.end ?? from;
  const end = start + (length === null ? (wireType === 1 ? 8 : 4) : Number(length.value));
  return { value: bytes.subarray(start, end), end };
}

function complete<Value>(read: Value | null): Value {
  if (read === null) throw new Error('truncated protocol buffer');
  return read;
}
