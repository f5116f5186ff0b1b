import { openDB } from 'idb';
import type { DBSchema, IDBPDatabase } from 'idb';
import { StorageFull } from '../../core/log/row-store.ts';

/** Small named values that a restarted worker has to know before any page speaks to it. */
export interface MetaStore {
  readonly get: (name: string) => Promise<unknown>;
  /**
   * Replaces a value by what `change` makes of it, in one transaction; undefined removes it. Rejects with `StorageFull` when
   * there is no room, and then the value is the one before.
   */
  readonly update: (name: string, change: (value: unknown) => unknown) => Promise<void>;
}

interface MetaSchema extends DBSchema {
  values: { key: string; value: unknown };
}

/** Opened at the first use, and again after the browser emptied the site's storage: then it knows nothing any more. */
export function createMetaStore(name = 'wakelog-meta'): MetaStore {
  let opened: Promise<IDBPDatabase<MetaSchema>> | undefined;

  function open(): Promise<IDBPDatabase<MetaSchema>> {
    opened ??= openDB<MetaSchema>(name, 1, {
      upgrade(database, _oldVersion, _newVersion, transaction) {
        transaction.done.catch(() => undefined);
        database.createObjectStore('values');
      },
      blocking: (_current, _blocked, event) => {
        (event.target as IDBDatabase).close();
        opened = undefined;
      },
      terminated: () => {
        opened = undefined;
      },
    }).catch((error: unknown) => {
      opened = undefined;
      throw error;
    });
    return opened;
  }

  async function use<T>(body: (database: IDBPDatabase<MetaSchema>) => Promise<T>): Promise<T> {
    const before = open();
    try {
      return await body(await before);
    } catch (error) {
      // The connection ended between two uses and nobody had noticed.
      if (!(error instanceof DOMException && error.name === 'InvalidStateError')) throw error;
      if (opened === before) opened = undefined;
      return body(await open());
    }
  }

  return {
    get: (key) =>
      use((database) => {
        const transaction = database.transaction('values');
        // Its end matters to nobody; idb's own `get` leaves it unhandled.
        transaction.done.catch(() => undefined);
        return transaction.store.get(key);
      }),
    update: (key, change) =>
      use(async (database) => {
        const transaction = database.transaction('values', 'readwrite');
        // A browser tells of missing room here and not at the request, which fails with a mere AbortError.
        const end = transaction.done.then(
          () => undefined,
          (error: unknown) => error,
        );
        let failure: unknown;
        try {
          const value = change(await transaction.store.get(key));
          if (value === undefined) await transaction.store.delete(key);
          else await transaction.store.put(value, key);
        } catch (error) {
          failure = error;
        }
        const reason = await end;
        if (isNoRoom(reason) || isNoRoom(failure)) throw new StorageFull();
        if (failure !== undefined) throw failure;
        if (reason !== undefined) throw reason;
      }),
  };
}

function isNoRoom(error: unknown): boolean {
  return error instanceof Error && error.name === 'QuotaExceededError';
}
