import type { DiskCore, RawDatabase, RawRecord, TransactionInside } from './fake-internals.ts';
import type { SortedRecords } from './sorted-records.ts';

/** Approximate bytes of everything on a disk. */
export function usedBytes(disk: DiskCore): number {
  let bytes = 0;
  for (const raw of disk.databases.values()) {
    for (const store of raw.rawObjectStores.values()) bytes += (store.records as SortedRecords).bytes();
  }
  return bytes;
}

/** What a transaction put, by store. */
export function freshRecords(tx: TransactionInside): Map<string, readonly RawRecord[]> {
  const stores = tx.db._rawDatabase.rawObjectStores;
  const fresh = new Map<string, readonly RawRecord[]>();
  for (const name of tx._scope) fresh.set(name, (stores.get(name)?.records as SortedRecords | undefined)?.fresh() ?? []);
  return fresh;
}

/** What a transaction changed is from now on simply what is there. */
export function settleStores(tx: TransactionInside): void {
  const stores = tx.db._rawDatabase.rawObjectStores;
  for (const name of tx._scope) (stores.get(name)?.records as SortedRecords | undefined)?.settle();
}

export function settleDatabase(raw: RawDatabase): void {
  for (const { records } of raw.rawObjectStores.values()) (records as SortedRecords).settle();
}
