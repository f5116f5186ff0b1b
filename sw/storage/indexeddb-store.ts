import { deleteDB } from 'idb';
import type { RowStore } from '../../core/log/row-store.ts';
import type { ViewStore } from '../../core/views/view-store.ts';
import type { LogRoom } from './begin-log.ts';
import { openConnection } from './indexeddb-connection.ts';
import { createIndexedDbRowStore } from './indexeddb-row-store.ts';
import type { Schema, StoredKey } from './indexeddb-schema.ts';
import { KEY_STORES, SCHEMA_VERSION, upgradeSchema } from './indexeddb-schema.ts';
import { readTransaction, writeTransaction } from './indexeddb-transaction.ts';
import { createIndexedDbViewStore } from './indexeddb-view-store.ts';

/** Everything that is kept of one account in one space: its log, its views, and its writer's private key. */
export interface IndexedDbStore {
  readonly rows: RowStore;
  readonly views: ViewStore;
  /** Private keys, by a name of the caller's. Where it can be, a key is stored so that no script can read it. */
  readonly keys: {
    readonly get: (name: string) => Promise<StoredKey | undefined>;
    readonly put: (name: string, key: StoredKey) => Promise<void>;
  };
  readonly close: () => Promise<void>;
}

export interface IndexedDbOptions {
  /**
   * Called once when somebody else ended the connection: the browser emptied the site's storage, another tab deleted the
   * database, or a newer version upgrades it. From then on everything rejects with `StorageGone`.
   */
  readonly onGone?: () => void;
  /** Of the worker; default: one of its own. */
  readonly room?: LogRoom;
}

/**
 * Opens a database, made if it is missing. Any number of tabs and workers may have the same one open. Rejects with
 * `StorageTooNew` when a newer version of the site has upgraded it.
 */
export async function openIndexedDbStore(name: string, { onGone, room }: IndexedDbOptions = {}): Promise<IndexedDbStore> {
  const connection = await openConnection<Schema>({ name, version: SCHEMA_VERSION, upgrade: upgradeSchema, onGone, room });
  const close = async (): Promise<void> => connection.close();
  return {
    rows: createIndexedDbRowStore(connection, close),
    views: createIndexedDbViewStore(connection),
    keys: {
      get: (name) => readTransaction(connection, KEY_STORES, (tx) => tx.objectStore('keys').get(name)),
      put: (name, key) =>
        writeTransaction(connection, KEY_STORES, 'strict', async (tx) => {
          await tx.objectStore('keys').put(key, name);
        }),
    },
    close,
  };
}

/** Forgets a database and everything in it. Connections to it end. */
export async function deleteIndexedDbStore(name: string): Promise<void> {
  await deleteDB(name);
}
