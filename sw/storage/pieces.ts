import type { Bytes } from '../../core/log/bytes.ts';

const PIECE_BYTES = 49_152;

/** The first piece of a value and how many more follow it. */
export interface Pieces<T extends Bytes | string> {
  readonly piece: T;
  readonly more: number;
}

/** Bytes in pieces of at most 48 KiB, each with a buffer of its own: the database would store the whole buffer of a view. */
export function splitBytes(bytes: Bytes): readonly [Bytes, ...Bytes[]] {
  const first = ownCopy(bytes.subarray(0, PIECE_BYTES));
  const others: Bytes[] = [];
  for (let at = PIECE_BYTES; at < bytes.length; at += PIECE_BYTES) others.push(bytes.slice(at, at + PIECE_BYTES));
  return [first, ...others];
}

function ownCopy(bytes: Bytes): Bytes {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice();
}

/** Text in pieces of at most 48 KiB: browsers store a character in one byte when all of them are Latin-1, else in two. */
export function splitText(text: string): readonly [string, ...string[]] {
  if (text.length * 2 <= PIECE_BYTES) return [text];
  const units = hasOnlyLatin1(text) ? PIECE_BYTES : PIECE_BYTES / 2;
  const others: string[] = [];
  for (let at = units; at < text.length; at += units) others.push(text.slice(at, at + units));
  return [text.slice(0, units), ...others];
}

function hasOnlyLatin1(text: string): boolean {
  // eslint-disable-next-line no-control-regex -- all of Latin-1 is meant, its control characters too
  return /^[\u0000-\u00ff]*$/.test(text);
}
