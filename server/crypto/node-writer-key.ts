import { createPrivateKey, createPublicKey, getRandomValues, sign } from 'node:crypto';
import type { Bytes } from '../../core/log/bytes.ts';
import { concat } from '../../core/log/bytes.ts';
import type { WriterKey } from '../../core/log/crypto.ts';
import type { WriterSeeds } from './writer-seeds.ts';

const SEED_BYTES = 32;

/** DER of an Ed25519 private key up to its seed (RFC 8410 §7). */
const PKCS8_PREFIX: Bytes = Uint8Array.from([
  0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
]);

/** A new private key as the 32 bytes that are stored: RFC 8032's seed. Whoever reads them can write the log. */
export function generateWriterSeed(): Bytes {
  return getRandomValues(new Uint8Array(SEED_BYTES));
}

/** The writer key of a stored seed of 32 bytes. */
export function seedToWriterKey(seed: Bytes): WriterKey {
  if (seed.length !== SEED_BYTES) throw new Error(`a writer's seed has ${SEED_BYTES} bytes, not ${seed.length}`);
  const privateKey = createPrivateKey({ key: Buffer.from(concat(PKCS8_PREFIX, seed)), format: 'der', type: 'pkcs8' });
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  return {
    publicKey: new Uint8Array(spki.subarray(-32)),
    sign: (message) => new Uint8Array(sign(null, message, privateKey)),
  };
}

/** Ed25519 of node:crypto. */
export const nodeWriterSeeds: WriterSeeds = { generate: generateWriterSeed, toKey: seedToWriterKey };
