import type { Bytes } from './bytes.ts';

/** What a reader throws when bytes do not have the one form they may have. Decoders turn it into `malformed`. */
export class MalformedBytes extends Error {
  override readonly name = 'MalformedBytes';
}

export interface ByteReader {
  /** Bytes not read yet. */
  readonly left: () => number;
  readonly at: () => number;
  readonly u8: () => number;
  /** A view of the next `length` bytes, not a copy. */
  readonly bytes: (length: number) => Bytes;
  /** An unsigned number below 2^53 in little-endian base 128, shortest form only. */
  readonly varint: () => number;
  /** A signed number, zigzag over varint. */
  readonly signed: () => number;
}

export function createByteReader(source: Bytes): ByteReader {
  let at = 0;

  function u8(): number {
    const byte = source[at];
    if (byte === undefined) throw new MalformedBytes('ends too early');
    at += 1;
    return byte;
  }

  function bytes(length: number): Bytes {
    if (length > source.length - at) throw new MalformedBytes('ends too early');
    at += length;
    return source.subarray(at - length, at);
  }

  function varint(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = u8();
      value += (byte & 0x7f) * scale;
      if (value > Number.MAX_SAFE_INTEGER) throw new MalformedBytes('number of 2^53 or more');
      if (byte < 0x80) {
        if (byte === 0 && scale > 1) throw new MalformedBytes('number not in its shortest form');
        return value;
      }
      scale *= 128;
      if (scale > 2 ** 49) throw new MalformedBytes('number of 2^53 or more');
    }
  }

  function signed(): number {
    const value = varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  return { left: () => source.length - at, at: () => at, u8, bytes, varint, signed };
}
