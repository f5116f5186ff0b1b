import {
  IDBCursor,
  IDBCursorWithValue,
  IDBDatabase,
  IDBFactory,
  IDBIndex,
  IDBKeyRange,
  IDBObjectStore,
  IDBOpenDBRequest,
  IDBRequest,
  IDBTransaction,
  IDBVersionChangeEvent,
} from 'fake-indexeddb';
import { patchConnections } from './connections.ts';
import { patchListeners } from './patch-listeners.ts';
import { patchRequests } from './patch-requests.ts';
import { patchTransactions } from './patch-transactions.ts';
import { installLaneGlobals } from './present-disk.ts';

const CLASSES = {
  IDBCursor,
  IDBCursorWithValue,
  IDBDatabase,
  IDBFactory,
  IDBIndex,
  IDBKeyRange,
  IDBObjectStore,
  IDBOpenDBRequest,
  IDBRequest,
  IDBTransaction,
  IDBVersionChangeEvent,
};

let installed = false;

/**
 * Gives the OS process the classes that `idb` looks for, and makes them work for simulated disks. Databases that lie on none
 * (`fake-indexeddb/auto`) work as before.
 */
export function installIdbClasses(): void {
  if (installed) return;
  installed = true;
  for (const [name, value] of Object.entries(CLASSES)) {
    Object.defineProperty(globalThis, name, { configurable: true, writable: true, value });
  }
  installLaneGlobals();
  patchListeners();
  patchConnections();
  patchTransactions();
  patchRequests();
}
