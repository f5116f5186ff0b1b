import { createMemoryRowStore } from '../../../core/log/memory-row-store.ts';
import { createMemoryViewStore } from '../../../core/views/memory-view-store.ts';
import type { ContractEngine } from '../contract.ts';
import { nodeCrypto } from './node-crypto.ts';

/** A memory store lives as long as the object: opening it again is using it again. */
export const memoryEngine: ContractEngine = {
  ...nodeCrypto,
  create: async (room) => {
    const rows = createMemoryRowStore(room === 'small' ? { maxBytes: 4_500_000 } : {});
    const views = createMemoryViewStore();
    return {
      open: async () => ({ rows: { ...rows, close: async () => undefined }, views }),
      remove: rows.close,
    };
  },
};
