import type { Bytes } from '../../core/log/bytes.ts';
import type { Crypto } from '../../core/log/crypto.ts';
import { createSha256 } from './sha256.ts';

/** `core`'s cryptography on WebCrypto, where `hasEd25519()`. `length` of random bytes is at most 65,536. */
export function createWebCrypto(): Crypto {
  return { sha256: createSha256(), randomBytes: webRandomBytes, verifyEd25519 };
}

const POOL_BYTES = 4_096;
let pool = new Uint8Array(0);

/** Salts are 16 bytes each: many are drawn at once, none is handed out twice. */
export function webRandomBytes(length: number): Bytes {
  if (length > POOL_BYTES) return crypto.getRandomValues(new Uint8Array(length));
  if (pool.length < length) pool = crypto.getRandomValues(new Uint8Array(POOL_BYTES));
  const bytes = pool.slice(0, length);
  pool = pool.subarray(length);
  return bytes;
}

async function verifyEd25519(publicKey: Bytes, message: Bytes, signature: Bytes): Promise<boolean> {
  const key = await importPoint(publicKey);
  return key !== undefined && crypto.subtle.verify('Ed25519', key, signature, message);
}

/** Some engines refuse a key that is no point when it is imported, others when it is used: either way it verifies nothing. */
async function importPoint(publicKey: Bytes): Promise<CryptoKey | undefined> {
  try {
    return await crypto.subtle.importKey('raw', publicKey, 'Ed25519', false, ['verify']);
  } catch (error) {
    if (error instanceof DOMException && error.name === 'DataError') return undefined;
    throw error;
  }
}
