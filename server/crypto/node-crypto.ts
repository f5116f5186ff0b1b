import { createPublicKey, getRandomValues, hash, verify } from 'node:crypto';
import type { Bytes } from '../../core/log/bytes.ts';
import { concat } from '../../core/log/bytes.ts';
import type { Crypto } from '../../core/log/crypto.ts';
import { createRandomPool } from '../../core/log/random-pool.ts';

/** DER of an Ed25519 public key up to its 32 bytes (RFC 8410 §4). */
const SPKI_PREFIX: Bytes = Uint8Array.from([0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00]);

/** `core`'s cryptography on node:crypto. Everything answers at once. */
export function createNodeCrypto(): Crypto {
  return {
    // A copy: small Buffers are views of a pool that they share with others.
    sha256: (bytes) => new Uint8Array(hash('sha256', bytes, 'buffer')),
    randomBytes: createRandomPool((bytes) => getRandomValues(bytes)),
    verifyEd25519(publicKey, message, signature) {
      // OpenSSL takes any 32 bytes for a key here and finds out in `verify` whether they are a point.
      const key = createPublicKey({ key: Buffer.from(concat(SPKI_PREFIX, publicKey)), format: 'der', type: 'spki' });
      return verify(null, message, key, signature);
    },
  };
}
