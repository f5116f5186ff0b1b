import type { Bytes } from './bytes.ts';

export interface ByteWriter {
  readonly length: () => number;
  readonly u8: (value: number) => void;
  readonly bytes: (value: Bytes) => void;
  /** An unsigned number below 2^53, shortest little-endian base 128. */
  readonly varint: (value: number) => void;
  /** A signed number of magnitude below 2^52, zigzag over varint. */
  readonly signed: (value: number) => void;
  /** A copy of what was written. */
  readonly finish: () => Bytes;
}

/** Writes into one growing buffer; `startBytes` saves copies when the size is known roughly. */
export function createByteWriter(startBytes = 256): ByteWriter {
  let buffer = new Uint8Array(startBytes);
  let at = 0;

  function reserve(length: number): void {
    if (at + length <= buffer.length) return;
    const larger = new Uint8Array(Math.max(buffer.length * 2, at + length));
    larger.set(buffer.subarray(0, at));
    buffer = larger;
  }

  function u8(value: number): void {
    reserve(1);
    buffer[at++] = value;
  }

  function bytes(value: Bytes): void {
    reserve(value.length);
    buffer.set(value, at);
    at += value.length;
  }

  function varint(value: number): void {
    if (value < 0 || value > Number.MAX_SAFE_INTEGER) throw new RangeError(`no wire form for the number ${value}`);
    reserve(8);
    let rest = value;
    while (rest >= 0x80) {
      buffer[at++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    buffer[at++] = rest;
  }

  function signed(value: number): void {
    varint(value >= 0 ? value * 2 : -value * 2 - 1);
  }

  return { length: () => at, u8, bytes, varint, signed, finish: () => buffer.slice(0, at) };
}
