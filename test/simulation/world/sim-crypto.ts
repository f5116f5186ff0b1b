import { hash } from 'node:crypto';
import type { Bytes } from '../../../core/log/bytes.ts';
import { concat, isEqual, toBase64Url } from '../../../core/log/bytes.ts';
import type { Crypto, WriterKey } from '../../../core/log/crypto.ts';
import type { SimRandom } from './random.ts';
import { presentProcess } from './process.ts';

/**
 * Cryptography whose hashes are real and whose signatures cost two hashes: real Ed25519 would be nine tenths of a run. As
 * with the real one, nobody signs without the seed, and a signature fits one key and one message only; its bytes pass every
 * check that precedes a verifier (LOG7).
 */
export interface SimCrypto {
  readonly crypto: Crypto;
  readonly newSeed: () => Bytes;
  readonly seedToWriterKey: (seed: Bytes) => WriterKey;
}

const TEXT = new TextEncoder();

export function createSimCrypto(random: SimRandom): SimCrypto {
  const seedByKey = new Map<string, Bytes>();
  const draw = (): number => presentProcess()?.random() ?? random.next();

  function randomBytes(length: number): Bytes {
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++) bytes[i] = Math.floor(draw() * 256);
    return bytes;
  }

  function sign(seed: Bytes, message: Bytes): Bytes {
    const r = digest('r', seed, message);
    const s = digest('s', seed, message);
    // Below the group's order, and a canonical point as far as bytes can tell.
    r[31] = (r[31] ?? 0) & 0x3f;
    s[31] = (s[31] ?? 0) & 0x0f;
    return concat(r, s);
  }

  return {
    crypto: {
      sha256,
      randomBytes,
      verifyEd25519(publicKey, message, signature) {
        const seed = seedByKey.get(toBase64Url(publicKey));
        return seed !== undefined && isEqual(sign(seed, message), signature);
      },
    },
    newSeed: () => randomBytes(32),
    seedToWriterKey(seed) {
      const publicKey = digest('key', seed, new Uint8Array(0));
      publicKey[31] = (publicKey[31] ?? 0) & 0x3f;
      seedByKey.set(toBase64Url(publicKey), seed.slice());
      return { publicKey, sign: (message) => sign(seed, message) };
    },
  };
}

function sha256(bytes: Bytes): Bytes {
  return new Uint8Array(hash('sha256', bytes, 'buffer'));
}

function digest(what: string, seed: Bytes, message: Bytes): Bytes {
  return sha256(concat(TEXT.encode(what), seed, message));
}
