/** Bytes as every signature, hash and database here wants them: never backed by shared memory. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** A value that an environment may have at once (Node) or later (a browser). */
export type Awaitable<T> = T | Promise<T>;

const encoder = new TextEncoder();
const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function utf8(text: string): Bytes {
  return encoder.encode(text);
}

const POOL_BYTES = 65_536;
const MOST_POOLED_UNITS = 4_096;
let pool = new Uint8Array(POOL_BYTES);
let poolUsed = 0;

/** The same for a great many short texts that live as long as each other: views of larger buffers, which cost a fraction. */
export function pooledUtf8(text: string): Bytes {
  if (text.length > MOST_POOLED_UNITS) return utf8(text);
  if (pool.length - poolUsed < text.length * 3) [pool, poolUsed] = [new Uint8Array(POOL_BYTES), 0];
  const start = poolUsed;
  poolUsed += encoder.encodeInto(text, pool.subarray(start)).written;
  return pool.subarray(start, poolUsed);
}

/** The text of well-formed UTF-8, or undefined. A byte order mark is kept, so that no two byte strings give one text. */
export function utf8ToText(bytes: Bytes): string | undefined {
  try {
    return strictDecoder.decode(bytes);
  } catch {
    return undefined;
  }
}

export function concat(...parts: readonly Bytes[]): Bytes {
  let length = 0;
  for (const part of parts) length += part.length;
  const joined = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

export function isEqual(a: Bytes, b: Bytes): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Negative, zero or positive: byte by byte, then by length. The order of keys and of tie-breaks everywhere. */
export function compareBytes(a: Bytes, b: Bytes): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/**
 * Compares two texts by their UTF-8 bytes. JavaScript's own order is by UTF-16 unit, which differs only where a
 * surrogate meets a unit above the surrogates.
 */
export function compareText(a: string, b: string): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return codeUnitRank(x) - codeUnitRank(y);
  }
  return a.length - b.length;
}

function codeUnitRank(unit: number): number {
  return unit >= 0xd800 && unit < 0xe000 ? unit + 0x10000 : unit;
}

const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const BASE64URL_CODES = Uint8Array.from(BASE64URL, (letter) => letter.charCodeAt(0));
const BASE64URL_VALUES = new Int8Array(128).fill(-1);
for (let i = 0; i < 64; i++) BASE64URL_VALUES[BASE64URL.charCodeAt(i)] = i;

/** Unpadded base64url (RFC 4648 §5) of at most a few thousand bytes. */
export function toBase64Url(bytes: Bytes): string {
  const { length } = bytes;
  const codes: number[] = [];
  for (let i = 0; i < length; i += 3) {
    const word = ((bytes[i] ?? 0) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    codes.push(letterOf(word >> 18), letterOf(word >> 12));
    if (i + 1 < length) codes.push(letterOf(word >> 6));
    if (i + 2 < length) codes.push(letterOf(word));
  }
  // Quicker than a decoder for texts as short as an id; such a call takes some 100,000 arguments.
  return String.fromCharCode(...codes);
}

function letterOf(value: number): number {
  return BASE64URL_CODES[value & 63] ?? 0;
}

/** The bytes of unpadded base64url, or undefined; spare bits must be zero, so that no two texts give the same bytes. */
export function fromBase64Url(text: string): Bytes | undefined {
  if (text.length % 4 === 1) return undefined;
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  let word = 0;
  let bits = 0;
  let at = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const value = code < 128 ? (BASE64URL_VALUES[code] ?? -1) : -1;
    if (value < 0) return undefined;
    word = ((word << 6) | value) & 0xffffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = (word >> bits) & 0xff;
    }
  }
  return (word & ((1 << bits) - 1)) === 0 ? bytes : undefined;
}

export function toHex(bytes: Bytes): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}

/** The bytes of an even number of hexadecimal digits, or undefined. */
export function fromHex(text: string): Bytes | undefined {
  if (!/^([0-9a-f]{2})*$/i.test(text)) return undefined;
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(text.slice(i * 2, i * 2 + 2), 16);
  return bytes;
}
