import type { WriterKey } from '../../core/log/crypto.ts';

/** What IndexedDB stores of a writer: two keys of which the private one can be used and never read. */
export type WriterKeyPair = CryptoKeyPair;

/** A new writer's key pair. Its private key cannot be extracted, not even by the site's own code. */
export function generateWriterKeyPair(): Promise<WriterKeyPair> {
  return crypto.subtle.generateKey('Ed25519', false, ['sign', 'verify']);
}

/** The writer key of a pair that was just made or read back from IndexedDB. */
export async function pairToWriterKey({ privateKey, publicKey }: WriterKeyPair): Promise<WriterKey> {
  return {
    publicKey: new Uint8Array(await crypto.subtle.exportKey('raw', publicKey)),
    sign: async (message) => new Uint8Array(await crypto.subtle.sign('Ed25519', privateKey, message)),
  };
}
