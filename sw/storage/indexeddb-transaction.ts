import { StorageFull, StorageGone } from '../../core/log/row-store.ts';
import type { Durability } from '../../core/log/row-store.ts';
import type { Database, StoreName, Transaction } from './indexeddb-schema.ts';

/** A connection, and whether somebody else ended it. */
export interface Connection {
  readonly database: Database;
  /** Whether it was closed, by us or by the browser. */
  readonly isGone: () => boolean;
}

/** Runs `body` on one consistent state of some stores. */
export async function readTransaction<T>(
  connection: Connection,
  stores: StoreName[],
  body: (tx: Transaction) => T | Promise<T>,
): Promise<T> {
  const tx = begin(connection, () => connection.database.transaction(stores, 'readonly'));
  // Its end matters to nobody; a failed request rejects `body`.
  tx.done.catch(() => undefined);
  try {
    return await body(tx);
  } catch (error) {
    throw explain(connection, error, undefined);
  }
}

/**
 * Runs `body` alone on some stores and resolves when it is committed as `durability` says. `body` awaits nothing but
 * requests of the transaction: while it waits for anything else, the browser would commit what is there so far.
 */
export async function writeTransaction<T>(
  connection: Connection,
  stores: StoreName[],
  durability: Durability,
  body: (tx: Transaction<'readwrite'>) => T | Promise<T>,
): Promise<T> {
  const tx = begin(connection, () => connection.database.transaction(stores, 'readwrite', { durability }));
  const reason = tx.done.then(
    () => undefined,
    (error: unknown) => error,
  );
  try {
    const result = await body(tx);
    // Without it the browser first waits for an idle moment to find out that nothing more comes.
    tx.commit();
    const failure = await reason;
    if (failure !== undefined) throw failure;
    return result;
  } catch (error) {
    abort(tx);
    const explained = explain(connection, error, await reason);
    if (explained instanceof StorageFull) leaveCleanupMode(connection, stores);
    throw explained;
  }
}

/**
 * After a transaction found no room, Firefox lets the next one of its connection only delete: whatever that puts throws an
 * InvalidStateError. An empty one takes that role, so that the next real write is told by its own size.
 */
function leaveCleanupMode({ database }: Connection, stores: StoreName[]): void {
  try {
    const tx = database.transaction(stores, 'readwrite', { durability: 'relaxed' });
    tx.done.catch(() => undefined);
    tx.commit();
  } catch {
    // Closed meanwhile: the next write will say so.
  }
}

function begin<T>(connection: Connection, open: () => T): T {
  try {
    return open();
  } catch (error) {
    // The connection is closed, and its end may not have been told yet.
    throw isNamed(error, 'InvalidStateError') ? new StorageGone() : explain(connection, error, undefined);
  }
}

function abort(tx: Transaction<'readwrite'>): void {
  try {
    tx.abort();
  } catch {
    // It had ended already: by an error of its own, or with its connection.
  }
}

/**
 * The error to report: `error` is what a request or the body threw, `reason` why the transaction was aborted. A full disk
 * shows only in the latter; requests then fail with a mere AbortError. Nobody but the browser aborts a transaction under
 * its body, and without a reason only when it ends the connection, of which it tells afterwards.
 */
function explain(connection: Connection, error: unknown, reason: unknown): unknown {
  if (isNamed(reason, 'QuotaExceededError') || isNamed(error, 'QuotaExceededError')) return new StorageFull();
  const isWithoutReason = isNamed(error, 'AbortError') && (reason === undefined || isNamed(reason, 'AbortError'));
  if (isWithoutReason) return new StorageGone();
  return isNamed(error, 'InvalidStateError') && connection.isGone() ? new StorageGone() : error;
}

function isNamed(error: unknown, name: string): boolean {
  return error instanceof Error && error.name === name;
}
