import type { Bytes } from '../../core/log/bytes.ts';
import type { Crypto } from '../../core/log/crypto.ts';
import { createRandomPool } from '../../core/log/random-pool.ts';
import { createSha256 } from './sha256.ts';

/** `core`'s cryptography on WebCrypto, where `hasEd25519()`. `length` of random bytes is at most 65,536. */
export function createWebCrypto(): Crypto {
  return { sha256: createSha256(), randomBytes: webRandomBytes, verifyEd25519 };
}

export const webRandomBytes: (length: number) => Bytes = createRandomPool((bytes) => crypto.getRandomValues(bytes));

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
