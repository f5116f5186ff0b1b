import type { Awaitable, Bytes } from './bytes.ts';
import { concat, utf8 } from './bytes.ts';
import type { Crypto } from './crypto.ts';

/** L, the order of the base point, and p = 2^255 - 19; both little-endian, as on the wire (RFC 8032 §5.1). */
const ORDER = fromLittleEndianHex('edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010');
const FIELD = fromLittleEndianHex('edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f');

/** The y coordinates of the eight points of small order; the sign bit does not matter. */
const SMALL_ORDER_Y = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
].map(fromLittleEndianHex);

const HEAD_DOMAIN = utf8('wakelog/head/1');

/** What a writer signs: this entry, of this space, as the head of its log, and nothing else (LOG6). */
export function headMessage(spaceHash: Bytes, entryId: Bytes): Bytes {
  return concat(HEAD_DOMAIN, spaceHash, entryId);
}

export async function hashSpace(crypto: Crypto, space: string): Promise<Bytes> {
  return crypto.sha256(utf8(space));
}

/** The one rule of every replica: the strict form first, then the equation (LOG7). */
export function verifySignature(
  crypto: Crypto,
  publicKey: Bytes,
  message: Bytes,
  signature: Bytes,
): Awaitable<boolean> {
  return isStrictSignature(publicKey, signature) && crypto.verifyEd25519(publicKey, message, signature);
}

/**
 * Whether a public key and a signature have the one form that all Ed25519 libraries judge alike: right lengths, S < L,
 * A and R canonical (y < p) and neither of small order (LOG7).
 */
export function isStrictSignature(publicKey: Bytes, signature: Bytes): boolean {
  return (
    isStrictPoint(publicKey) &&
    signature.length === 64 &&
    isStrictPoint(signature.subarray(0, 32)) &&
    isBelow(signature.subarray(32), ORDER)
  );
}

/** Whether 32 bytes are a canonical encoding that is not of small order. Says nothing about lying on the curve. */
export function isStrictPoint(encoded: Bytes): boolean {
  if (encoded.length !== 32) return false;
  const y = encoded.slice();
  y[31] = (y[31] ?? 0) & 0x7f;
  return isBelow(y, FIELD) && !SMALL_ORDER_Y.some((small) => small.every((byte, i) => byte === y[i]));
}

function isBelow(a: Bytes, b: Bytes): boolean {
  for (let i = 31; i >= 0; i--) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

function fromLittleEndianHex(hex: string): Bytes {
  return Uint8Array.from({ length: 32 }, (_, i) => Number.parseInt(hex.slice(i * 2, i * 2 + 2), 16));
}
