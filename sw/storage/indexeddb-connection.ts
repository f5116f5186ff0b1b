import { openDB } from 'idb';
import type { DBSchema, IDBPDatabase } from 'idb';
import { StorageGone, StorageTooNew } from '../../core/log/row-store.ts';
import type { LogRoom } from './begin-log.ts';
import { createLogRoom } from './begin-log.ts';

/** An open database, whatever it holds. */
export interface Connection<S extends DBSchema> {
  readonly database: IDBPDatabase<S>;
  readonly room: LogRoom;
  /** Whether it was closed, by us or by the browser. */
  readonly isGone: () => boolean;
  /**
   * What `waiting` resolves to; rejects with `StorageGone` when the browser cuts the connection first. For everything that
   * waits for a transaction: Firefox tells nothing of the end of one that was begun while it emptied the site's storage.
   */
  readonly during: <T>(waiting: Promise<T>) => Promise<T>;
  readonly close: () => void;
}

export interface ConnectionOptions<S extends DBSchema> {
  readonly name: string;
  readonly version: number;
  readonly upgrade: (database: IDBPDatabase<S>, oldVersion: number) => void;
  /** Shared by all connections of a worker. */
  readonly room?: LogRoom | undefined;
  /** Called once when somebody else ended the connection. */
  readonly onGone?: (() => void) | undefined;
}

/**
 * How often opening is tried while the browser is emptying the site's storage, and so fails. Chromium ends a connection that
 * is being made; Firefox also refuses one, by the error that it has for a profile on which nothing can ever be opened:
 * there, whatever needs the database is held up for as long, each time.
 */
const OPENING_ATTEMPTS: Readonly<Record<string, number>> = { AbortError: 40, UnknownError: 10 };
const OPENING_PAUSE_MS = 50;

/** Rejects with `StorageTooNew` when a newer version of the site has upgraded the database. */
export async function openConnection<S extends DBSchema>(options: ConnectionOptions<S>): Promise<Connection<S>> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await openOnce(options);
    } catch (error) {
      if (isNamed(error, 'VersionError')) throw new StorageTooNew();
      if (attempt >= (OPENING_ATTEMPTS[nameOf(error)] ?? 1))
        throw isNamed(error, 'AbortError') ? new StorageGone() : error;
      await new Promise((resolve) => setTimeout(resolve, OPENING_PAUSE_MS));
    }
  }
}

async function openOnce<S extends DBSchema>({
  name,
  version,
  upgrade,
  room = createLogRoom(),
  onGone,
}: ConnectionOptions<S>): Promise<Connection<S>> {
  let gone = false;
  const cuts = new Set<() => void>();
  function end(): void {
    if (gone) return;
    gone = true;
    onGone?.();
  }
  const database = await openDB<S>(name, version, {
    upgrade(database, oldVersion, _newVersion, transaction) {
      // Where it is aborted, opening fails, which says enough.
      transaction.done.catch(() => undefined);
      upgrade(database, oldVersion);
    },
    blocking: (_current, _blocked, event) => {
      // An old version that stays open would stop a newer one from starting. What is under way ends by itself.
      (event.target as IDBDatabase).close();
      end();
    },
    terminated() {
      end();
      // Whatever was committed has said so before.
      for (const cut of cuts) cut();
    },
  });
  return {
    database,
    room,
    isGone: () => gone,
    during: (waiting) =>
      new Promise((resolve, reject) => {
        const cut = (): void => reject(new StorageGone());
        const forget = (): unknown => cuts.delete(cut);
        cuts.add(cut);
        waiting.then(resolve, reject).then(forget, forget);
      }),
    close() {
      gone = true;
      database.close();
    },
  };
}

export function isNamed(error: unknown, name: string): boolean {
  return nameOf(error) === name;
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : '';
}
