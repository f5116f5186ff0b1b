import { adopt } from './disk-factory.ts';
import type { DiskCore, RawDatabase, RawObjectStore, RawRecord } from './fake-internals.ts';
import type { SortedRecords } from './sorted-records.ts';
import { createSortedRecords } from './sorted-records.ts';

/** Everything that was committed on a disk at one moment. Records are shared, not copied: nobody ever changes one. */
export interface DiskSnapshot {
  readonly databases: readonly DatabaseSnapshot[];
}

interface DatabaseSnapshot {
  readonly make: () => RawDatabase;
  readonly stores: readonly StoreSnapshot[];
}

interface StoreSnapshot {
  readonly make: (raw: RawDatabase) => RawObjectStore;
  readonly generated: number | undefined;
  readonly records: readonly RawRecord[];
}

type DatabaseClass = new (name: string, version: number) => RawDatabase;
type StoreClass = new (
  raw: RawDatabase,
  name: string,
  keyPath: string | string[] | null,
  autoIncrement: boolean,
) => RawObjectStore;

export function takeSnapshot(disk: DiskCore): DiskSnapshot {
  const databases: DatabaseSnapshot[] = [];
  for (const raw of disk.databases.values()) {
    const upgrade = raw.transactions.find(({ mode, isInJournal }) => mode === 'versionchange' && !isInJournal);
    const versionBefore = upgrade === undefined ? raw.version : (upgrade.db._oldVersion ?? 0);
    // One that is being made was not there before.
    if (versionBefore === 0) continue;
    if (upgrade !== undefined) throw new Error(`${raw.name} is just being upgraded: what it was is not known`);
    databases.push(databaseSnapshot(raw));
  }
  return { databases };
}

function databaseSnapshot(raw: RawDatabase): DatabaseSnapshot {
  const { name, version } = raw;
  const Raw = raw.constructor as DatabaseClass;
  return { make: () => new Raw(name, version), stores: [...raw.rawObjectStores.values()].map(storeSnapshot) };
}

function storeSnapshot(store: RawObjectStore): StoreSnapshot {
  const { name, keyPath, autoIncrement, keyGenerator, rawIndexes } = store;
  if (rawIndexes.size > 0) throw new Error(`${name} has an index, which no store of ours has`);
  const Store = store.constructor as StoreClass;
  return {
    make: (raw) => new Store(raw, name, keyPath, autoIncrement),
    generated: keyGenerator?.num,
    records: (store.records as SortedRecords).committed(),
  };
}

/** Makes a disk without databases hold what another, or it, held. */
export function putSnapshot(disk: DiskCore, { databases }: DiskSnapshot): void {
  for (const { make, stores } of databases) {
    const raw = make();
    adopt(disk, raw);
    for (const { make, generated, records } of stores) {
      const store = make(raw);
      store.records = createSortedRecords(records);
      if (store.keyGenerator !== null && generated !== undefined) store.keyGenerator.num = generated;
      raw.rawObjectStores.set(store.name, store);
    }
    disk.databases.set(raw.name, raw);
  }
}
