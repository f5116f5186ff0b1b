import type { BrowserDisk } from '../disk/browser-disk.ts';
import type { FactoryInside, RawDatabase, RawRecord } from '../disk/fake-internals.ts';
import type { SortedRecords } from '../disk/sorted-records.ts';

/** Reads what is committed in a database, from outside; undefined when there is none, or none yet. */
export function peek(disk: BrowserDisk, database: string): ((store: string) => readonly RawRecord[]) | undefined {
  const raw = (disk.indexedDB as FactoryInside & { readonly _databases: ReadonlyMap<string, RawDatabase> })._databases.get(database);
  if (raw === undefined || raw.rawObjectStores.size === 0) return undefined;
  return (store) => (raw.rawObjectStores.get(store)?.records as SortedRecords | undefined)?.committed() ?? [];
}
