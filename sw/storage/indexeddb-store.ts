import { deleteDB, openDB } from 'idb';
import { StorageTooNew } from '../../core/log/row-store.ts';
import type { RowStore } from '../../core/log/row-store.ts';
import type { ViewStore } from '../../core/views/view-store.ts';
import { createIndexedDbRowStore } from './indexeddb-row-store.ts';
import type { Database, Schema, StoredKey } from './indexeddb-schema.ts';
import { KEY_STORES, SCHEMA_VERSION, upgradeSchema } from './indexeddb-schema.ts';
import type { Connection } from './indexeddb-transaction.ts';
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
}

/**
 * Opens a database, made if it is missing. Any number of tabs and workers may have the same one open. Rejects with
 * `StorageTooNew` when a newer version of the site has upgraded it.
 */
export async function openIndexedDbStore(name: string, { onGone }: IndexedDbOptions = {}): Promise<IndexedDbStore> {
  let gone = false;
  const database = await open(name, () => {
    if (gone) return;
    gone = true;
    onGone?.();
  });
  const connection: Connection = { database, isGone: () => gone };
  async function close(): Promise<void> {
    gone = true;
    database.close();
  }
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

/** How often and how soon opening is tried again while the browser is emptying the site's storage. */
const OPENING_ATTEMPTS = 40;
const OPENING_PAUSE_MS = 50;

async function open(name: string, onEnd: () => void): Promise<Database> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await openOnce(name, onEnd);
    } catch (error) {
      if (isNamed(error, 'VersionError')) throw new StorageTooNew();
      // Chromium ends a connection that is being made while it deletes the data that was there before.
      if (!isNamed(error, 'AbortError') || attempt === OPENING_ATTEMPTS) throw error;
      await new Promise((resolve) => setTimeout(resolve, OPENING_PAUSE_MS));
    }
  }
}

function openOnce(name: string, onEnd: () => void): Promise<Database> {
  return openDB<Schema>(name, SCHEMA_VERSION, {
    upgrade(database, oldVersion, _newVersion, transaction) {
      // Where it is aborted, opening fails, which says enough.
      transaction.done.catch(() => undefined);
      upgradeSchema(database, oldVersion);
    },
    blocking: (_current, _blocked, event) => {
      // An old version that stays open would stop a newer one from starting.
      (event.target as IDBDatabase).close();
      onEnd();
    },
    terminated: onEnd,
  });
}

function isNamed(error: unknown, name: string): boolean {
  return error instanceof Error && error.name === name;
}
