import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SqliteStore } from '../../../server/storage/sqlite-store.ts';
import { openSqliteStore } from '../../../server/storage/sqlite-store.ts';
import type { ContractEngine } from '../contract.ts';
import { nodeCrypto } from './node-crypto.ts';

/** A file for each case; each opening is a store with connections of its own, as another process would have. */
export const sqliteEngine: ContractEngine = {
  ...nodeCrypto,
  create: async (room) => {
    const folder = mkdtempSync(join(tmpdir(), 'wakelog-contract-'));
    const opened: SqliteStore[] = [];
    return {
      open: async () => {
        const store = openSqliteStore(join(folder, 'logs.db'), room === 'small' ? { maxBytes: 4_500_000 } : {});
        opened.push(store);
        return store.space('contract');
      },
      remove: async () => {
        for (const store of opened) await store.close();
        rmSync(folder, { recursive: true });
      },
    };
  },
};
