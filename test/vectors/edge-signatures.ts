import { hash } from 'node:crypto';
import { Point } from '@noble/ed25519';
import type { Bytes } from '../../core/log/bytes.ts';
import { concat, utf8 } from '../../core/log/bytes.ts';

/*
 * Signatures at and beyond the edges of RFC 8032, made from the definition: whoever knows the secret scalar can mix
 * points of small order into key and signature, and add L to S. Libraries disagree about most of them.
 */

export interface SignatureCase {
  readonly name: string;
  readonly publicKey: Bytes;
  readonly message: Bytes;
  readonly signature: Bytes;
}

export const L: bigint = Point.CURVE().n;
const P = Point.CURVE().p;

/** The eight points of small order; the one at i has order 8 / gcd(8, i). */
export const TORSION: readonly Point[] = torsionPoints();

function torsionPoints(): readonly Point[] {
  for (let i = 0; ; i++) {
    const point = decode(digest(`point ${i}`).subarray(0, 32) as Bytes);
    if (point === undefined) continue;
    // [L] of any point is of small order.
    const generator = point.multiplyUnsafe(L - 1n).add(point);
    const multiples = [Point.ZERO];
    while (multiples.length < 8) multiples.push((multiples.at(-1) ?? Point.ZERO).add(generator));
    if (new Set(multiples.map((multiple) => multiple.toHex())).size === 8) return multiples;
  }
}

export interface EdgeSignature {
  readonly seed: string;
  /** Which point of small order is added to A, and which to R. */
  readonly torsionOfA?: number;
  readonly torsionOfR?: number;
  /** What is added to S, times L. */
  readonly timesL?: bigint;
  /** Takes the first message for which this is true; k is the hash before and after reduction modulo L. */
  readonly until?: (k: { readonly wide: bigint; readonly reduced: bigint }) => boolean;
}

/** S = r + ka, with torsion in A and R as wanted. The equation without the factor 8 holds when the torsion cancels out. */
export function edgeSignature(
  name: string,
  { seed, torsionOfA = 0, torsionOfR = 0, timesL = 0n, until = () => true }: EdgeSignature,
): SignatureCase {
  const a = scalar(`${seed} a`);
  const r = scalar(`${seed} r`);
  const publicKey = encode(Point.BASE.multiplyUnsafe(a).add(torsion(torsionOfA)));
  const rBytes = encode(Point.BASE.multiplyUnsafe(r).add(torsion(torsionOfR)));
  for (let i = 0; ; i++) {
    const message = utf8(`${seed} message ${i}`);
    const wide = challenge(rBytes, publicKey, message);
    const reduced = wide % L;
    if (until({ wide, reduced })) {
      const s = ((r + reduced * a) % L) + timesL * L;
      return { name, publicKey, message, signature: concat(rBytes, littleEndian(s)) };
    }
  }
}

/** Whether [k]T₁ + T₂ is zero: then the torsion cancels out of the equation. */
export function cancels(k: bigint, torsionOfA: number, torsionOfR: number): boolean {
  return (k * BigInt(torsionOfA) + BigInt(torsionOfR)) % 8n === 0n;
}

/** A signature over A of small order: holds for any S, when R = [S]B and [k]A is zero. */
export function smallOrderKey(name: string, encodedA: Bytes, order: bigint): SignatureCase {
  const s = scalar(`${name} s`);
  const rBytes = encode(Point.BASE.multiplyUnsafe(s));
  for (let i = 0; ; i++) {
    const message = utf8(`${name} message ${i}`);
    if ((challenge(rBytes, encodedA, message) % L) % order === 0n) {
      return { name, publicKey: encodedA, message, signature: concat(rBytes, littleEndian(s)) };
    }
  }
}

/** A signature whose R is given and of small order: S = ka, so that the equation holds when R is zero. */
export function givenR(name: string, encodedR: Bytes): SignatureCase {
  const a = scalar(`${name} a`);
  const publicKey = encode(Point.BASE.multiplyUnsafe(a));
  const message = utf8(name);
  const s = ((challenge(encodedR, publicKey, message) % L) * a) % L;
  return { name, publicKey, message, signature: concat(encodedR, littleEndian(s)) };
}

/** A y coordinate below 19 written as y + p, or the same with the sign of x set where x is zero. */
export function encodeY(y: bigint, signOfX: 0 | 1): Bytes {
  const encoded = littleEndian(y);
  encoded[31] = (encoded[31] ?? 0) | (signOfX << 7);
  return encoded;
}

export const FIELD: bigint = P;

export function encode(point: Point): Bytes {
  return new Uint8Array(point.toBytes());
}

export function decode(encoded: Bytes): Point | undefined {
  try {
    return Point.fromBytes(encoded);
  } catch {
    return undefined;
  }
}

export function littleEndian(value: bigint, length = 32): Bytes {
  return Uint8Array.from({ length }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
}

export function scalar(name: string): bigint {
  return (toNumber(digest(name)) % (L - 1n)) + 1n;
}

function torsion(i: number): Point {
  return TORSION[i] ?? Point.ZERO;
}

function challenge(rBytes: Bytes, publicKey: Bytes, message: Bytes): bigint {
  return toNumber(hash('sha512', concat(rBytes, publicKey, message), 'buffer'));
}

function digest(name: string): Uint8Array {
  return hash('sha512', name, 'buffer');
}

/** The number that little-endian bytes stand for. */
export function toNumber(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes.toReversed()).toString('hex')}`);
}
