import type { DBSchema } from 'idb';
import { StorageGone } from '../../core/log/row-store.ts';
import type { LogRoom } from './begin-log.ts';
import type { Connection } from './indexeddb-connection.ts';
import { openConnection } from './indexeddb-connection.ts';
import { readTransaction, writeTransaction } from './indexeddb-transaction.ts';

/** Small named values that a restarted worker has to know before any page speaks to it. */
export interface MetaStore {
  readonly get: (name: string) => Promise<unknown>;
  /**
   * Replaces a value by what `change` makes of it, in one transaction; undefined removes it. Rejects with `StorageFull` when
   * there is no room, and then the value is the one before. `change` is called again where the transaction has to be.
   */
  readonly update: (name: string, change: (value: unknown) => unknown) => Promise<void>;
}

interface MetaSchema extends DBSchema {
  values: { key: string; value: unknown };
}

/**
 * Opened at the first use, and again after the browser emptied the site's storage: then it knows nothing any more. What is to
 * be done before anything is written may read.
 */
export function createMetaStore(name: string, beforeWrite?: () => Promise<void>, room?: LogRoom): MetaStore {
  let opened: Promise<Connection<MetaSchema>> | undefined;

  function open(): Promise<Connection<MetaSchema>> {
    if (opened !== undefined) return opened;
    const opening = openConnection<MetaSchema>({
      name,
      version: 1,
      upgrade: (database) => void database.createObjectStore('values'),
      room,
      onGone: () => forget(opening),
    });
    opening.catch(() => forget(opening));
    return (opened = opening);
  }

  function forget(which: Promise<Connection<MetaSchema>>): void {
    if (opened === which) opened = undefined;
  }

  async function use<T>(body: (connection: Connection<MetaSchema>) => Promise<T>): Promise<T> {
    const before = open();
    try {
      return await body(await before);
    } catch (error) {
      // The connection ended between two uses, or under this one.
      if (!(error instanceof StorageGone)) throw error;
      forget(before);
      return body(await open());
    }
  }

  return {
    get: (key) =>
      use((connection) => readTransaction(connection, ['values'], (tx) => tx.objectStore('values').get(key))),
    async update(key, change) {
      await beforeWrite?.();
      await use((connection) =>
        writeTransaction(connection, ['values'], 'relaxed', async (tx) => {
          const store = tx.objectStore('values');
          const value = change(await store.get(key));
          await (value === undefined ? store.delete(key) : store.put(value, key));
        }),
      );
    },
  };
}
