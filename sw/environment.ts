import type { AccountStores, WorkerCrypto } from './account-store.ts';
import { createWebCrypto } from './crypto/web-crypto.ts';
import { generateWriterKeyPair, pairToWriterKey } from './crypto/web-writer-key.ts';
import { createAlarm } from './events/background-sync.ts';
import type { WorkerEnvironment } from './start-worker.ts';
import { deleteIndexedDbStore, openIndexedDbStore } from './storage/indexeddb-store.ts';

export const indexedDbStores: AccountStores = { open: openIndexedDbStore, remove: deleteIndexedDbStore };

/** The browser's own Ed25519, with private keys that no script can read. */
const webCryptography: WorkerCrypto = {
  crypto: createWebCrypto(),
  generateKey: generateWriterKeyPair,
  openKey: (stored) => ('privateKey' in stored ? pairToWriterKey(stored) : undefined),
};

/** What a worker is wired with in a browser whose WebCrypto has Ed25519. */
export const webEnvironment: WorkerEnvironment = { stores: indexedDbStores, cryptography: webCryptography, createAlarm };
