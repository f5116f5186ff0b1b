import type { DBSchema, IDBPTransaction, StoreNames } from 'idb';
import { StorageFull, StorageGone } from '../../core/log/row-store.ts';
import type { Durability } from '../../core/log/row-store.ts';
import type { Connection } from './indexeddb-connection.ts';
import { isNamed } from './indexeddb-connection.ts';

type TransactionOf<S extends DBSchema, Mode extends IDBTransactionMode> = IDBPTransaction<S, StoreNames<S>[], Mode>;

/** Runs `body` on one consistent state of some stores. */
export function readTransaction<T, S extends DBSchema>(
  connection: Connection<S>,
  stores: StoreNames<S>[],
  body: (tx: TransactionOf<S, 'readonly'>) => T | Promise<T>,
): Promise<T> {
  const open = (): TransactionOf<S, 'readonly'> => connection.database.transaction(stores, 'readonly');
  return connection.during(run(connection, open, (tx) => body(tx)));
}

/**
 * Runs `body` alone on some stores and resolves when it is committed as `durability` says. `body` awaits nothing but
 * requests of the transaction: while it waits for anything else, the browser would commit what is there so far. Before a strict
 * one Chromium begins another log, when it might have to in its middle (LOG23).
 */
export function writeTransaction<T, S extends DBSchema>(
  connection: Connection<S>,
  stores: StoreNames<S>[],
  durability: Durability,
  body: (tx: TransactionOf<S, 'readwrite'>) => T | Promise<T>,
): Promise<T> {
  const write = (): Promise<T> => commit(connection, stores, durability, body);
  return durability === 'strict' ? connection.room.strict(write) : write();
}

function commit<T, S extends DBSchema>(
  connection: Connection<S>,
  stores: StoreNames<S>[],
  durability: Durability,
  body: (tx: TransactionOf<S, 'readwrite'>) => T | Promise<T>,
): Promise<T> {
  connection.room.use(0);
  const writing = run(
    connection,
    () => connection.database.transaction(stores, 'readwrite', { durability }),
    async (tx, end) => {
      const result = await body(tx);
      // Without it the browser first waits for an idle moment to find out that nothing more comes.
      tx.commit();
      const failure = await end;
      if (failure !== undefined) throw failure;
      return result;
    },
  ).catch((error: unknown) => {
    if (error instanceof StorageFull) leaveCleanupMode(connection, stores);
    throw error;
  });
  return connection.during(writing);
}

/** `end` resolves when the transaction does: to what aborted it, or to undefined. */
async function run<T, S extends DBSchema, Mode extends IDBTransactionMode>(
  connection: Connection<S>,
  open: () => TransactionOf<S, Mode>,
  body: (tx: TransactionOf<S, Mode>, end: Promise<unknown>) => T | Promise<T>,
): Promise<T> {
  const tx = begin(open);
  const end = tx.done.then(
    () => undefined,
    (error: unknown) => error,
  );
  try {
    return await body(tx, end);
  } catch (error) {
    const isOurs = abort(tx);
    throw explain(connection.isGone(), error, await end, isOurs);
  }
}

/**
 * After a transaction found no room, Firefox lets the next one of its connection only delete: whatever that puts throws an
 * InvalidStateError. An empty one takes that role, so that the next real write is told by its own size.
 */
function leaveCleanupMode<S extends DBSchema>({ database }: Connection<S>, stores: StoreNames<S>[]): void {
  try {
    const tx = database.transaction(stores, 'readwrite', { durability: 'relaxed' });
    tx.done.catch(() => undefined);
    tx.commit();
  } catch {
    // Closed meanwhile: the next write will say so.
  }
}

function begin<T>(open: () => T): T {
  try {
    return open();
  } catch (error) {
    // The connection is closed, and its end may not have been told yet.
    throw isNamed(error, 'InvalidStateError') ? new StorageGone() : error;
  }
}

/** Whether it was us who aborted it: it may have ended already, by an error of its own, or with its connection. */
function abort(tx: { readonly abort: () => void }): boolean {
  try {
    tx.abort();
    return true;
  } catch {
    return false;
  }
}

/**
 * The error to report: `error` is what a request or the body threw, `reason` why the transaction was aborted. A full disk
 * shows only in the latter; requests then fail with a mere AbortError. Nobody but the browser aborts a transaction under
 * its body, and without a reason only when it ends the connection, of which it tells afterwards: until then a body may
 * have met any error of a transaction that is over.
 */
function explain(isGone: boolean, error: unknown, reason: unknown, isOurs: boolean): unknown {
  if (isNamed(reason, 'QuotaExceededError') || isNamed(error, 'QuotaExceededError')) return new StorageFull();
  const isWithoutReason = reason === undefined || isNamed(reason, 'AbortError');
  if (isWithoutReason && isNamed(error, 'AbortError')) return new StorageGone();
  if (isNamed(reason, 'AbortError') && !isOurs) return new StorageGone();
  return isNamed(error, 'InvalidStateError') && isGone ? new StorageGone() : error;
}
