import { createWebCrypto } from '../../../sw/crypto/web-crypto.ts';
import { generateWriterKeyPair, pairToWriterKey } from '../../../sw/crypto/web-writer-key.ts';
import type { IndexedDbStore } from '../../../sw/storage/indexeddb-store.ts';
import { deleteIndexedDbStore, openIndexedDbStore } from '../../../sw/storage/indexeddb-store.ts';
import type { ContractEngine } from '../contract.ts';

/** A database for each case; each opening is a connection of its own, as another tab's. How little room `small` leaves is the browser's doing. */
export const indexedDbEngine: ContractEngine = {
  crypto: createWebCrypto(),
  createKey: async () => pairToWriterKey(await generateWriterKeyPair()),
  create: async () => {
    const name = `contract ${crypto.randomUUID()}`;
    const opened: IndexedDbStore[] = [];
    return {
      open: async () => {
        const store = await openIndexedDbStore(name);
        opened.push(store);
        return store;
      },
      remove: async () => {
        for (const store of opened) await store.close();
        await deleteIndexedDbStore(name);
      },
    };
  },
};
