import { getPublicKey, hashes, Point, sign } from '@noble/ed25519';
import { sha512 } from '@noble/hashes/sha2.js';
import type { Bytes } from '../../core/log/bytes.ts';
import { concat } from '../../core/log/bytes.ts';
import type { Crypto, WriterKey } from '../../core/log/crypto.ts';
import { createSha256 } from './sha256.ts';
import { webRandomBytes } from './web-crypto.ts';

/** L of RFC 8032 §5.1: the order of the base point. */
const ORDER = Point.CURVE().n;

hashes.sha512 = sha512;

/** `core`'s cryptography where WebCrypto has no Ed25519: about 1,700 verifications a second. SHA-256 is the browser's. */
export function createNobleCrypto(): Crypto {
  return { sha256: createSha256(), randomBytes: webRandomBytes, verifyEd25519 };
}

/** A new private key as its 32-byte seed, which has to be stored readable: there is no engine to hide it in. */
export function generateNobleSeed(): Bytes {
  return webRandomBytes(32);
}

/** The writer key of a stored 32-byte seed. */
export function seedToNobleWriterKey(seed: Bytes): WriterKey {
  return {
    publicKey: new Uint8Array(getPublicKey(seed)),
    sign: (message) => new Uint8Array(sign(message, seed)),
  };
}

/**
 * [S]B = R + [k]A without the factor 8 (RFC 8032 §5.1.7 allows either). The library's own `verify` multiplies by 8 and so
 * accepts signatures with a torsion component, which OpenSSL, BoringSSL and NSS refuse.
 */
function verifyEd25519(publicKey: Bytes, message: Bytes, signature: Bytes): boolean {
  const rBytes = signature.subarray(0, 32);
  const s = littleEndian(signature.subarray(32));
  const a = decodePoint(publicKey);
  const r = decodePoint(rBytes);
  if (a === undefined || r === undefined || s >= ORDER) return false;
  // k is reduced modulo L even for an A with torsion, as in those libraries: [k mod L]A is another point than [k]A.
  const k = littleEndian(sha512(concat(rBytes, publicKey, message))) % ORDER;
  return Point.BASE.multiplyUnsafe(s).equals(r.add(a.multiplyUnsafe(k)));
}

/** The point of a strict encoding, or undefined when it is none of the curve. */
function decodePoint(encoded: Bytes): Point | undefined {
  try {
    return Point.fromBytes(encoded);
  } catch {
    return undefined;
  }
}

function littleEndian(bytes: Uint8Array): bigint {
  let hex = '';
  for (let i = bytes.length - 1; i >= 0; i--) hex += (bytes[i] ?? 0).toString(16).padStart(2, '0');
  return BigInt(`0x${hex}`);
}
