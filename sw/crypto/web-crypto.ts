import type { Bytes } from '../../core/log/bytes.ts';
import type { Crypto } from '../../core/log/crypto.ts';

/** `core`'s cryptography on WebCrypto, where `hasEd25519()`. `length` of random bytes is at most 65,536. */
export function createWebCrypto(): Crypto {
  return { sha256: webSha256, randomBytes: webRandomBytes, verifyEd25519 };
}

export async function webSha256(bytes: Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
}

export function webRandomBytes(length: number): Bytes {
  return crypto.getRandomValues(new Uint8Array(length));
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
