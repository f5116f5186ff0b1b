import 'fake-indexeddb/auto';
import { IDBObjectStore as FakeObjectStore } from 'fake-indexeddb';
import { openDB } from 'idb';
import type { IndexedDbStore } from '../../../sw/storage/indexeddb-store.ts';
import { openIndexedDbStore } from '../../../sw/storage/indexeddb-store.ts';

/*
 * Chromium writes a transaction by and by, and syncs what it wrote last. When LevelDB goes on in a new file meanwhile, a power
 * cut takes the transaction's beginning and leaves its end (docs/reliability.md): done here with the writes of a real one.
 */

/** One write of a transaction. */
export interface Op {
  readonly store: string;
  readonly kind: 'put' | 'delete';
  readonly args: readonly unknown[];
}

/** What every store holds, by its name. */
export type Image = ReadonlyMap<string, readonly (readonly [key: IDBValidKey, value: unknown])[]>;

let names = 0;
export const newName = (): string => `torn ${names++}`;

/** The writes that `body` asks for, in order; they are made as well. */
export async function opsOf(body: () => Promise<unknown>): Promise<readonly Op[]> {
  const ops: Op[] = [];
  const { put, delete: remove } = FakeObjectStore.prototype;
  FakeObjectStore.prototype.put = function noted(this: IDBObjectStore, ...args: [unknown, IDBValidKey?]) {
    ops.push({ store: this.name, kind: 'put', args });
    return put.apply(this, args);
  };
  FakeObjectStore.prototype.delete = function noted(this: IDBObjectStore, ...args: [IDBValidKey]) {
    ops.push({ store: this.name, kind: 'delete', args });
    return remove.apply(this, args);
  };
  try {
    await body();
    return ops;
  } finally {
    FakeObjectStore.prototype.put = put;
    FakeObjectStore.prototype.delete = remove;
  }
}

export async function imageOf(name: string): Promise<Image> {
  const database = await openDB(name);
  const image = new Map<string, [IDBValidKey, unknown][]>();
  for (const store of database.objectStoreNames) {
    const [keys, values] = [await database.getAllKeys(store), await database.getAll(store)];
    image.set(
      store,
      keys.map((key, i) => [key, values[i]]),
    );
  }
  database.close();
  return image;
}

/** A database that holds `image`, and of a transaction's writes the last ones only, from `first` on. */
export async function tear(image: Image, ops: readonly Op[], first: number): Promise<IndexedDbStore> {
  const name = newName();
  await (await openIndexedDbStore(name)).close();
  const database = await openDB(name);
  for (const [store, rows] of image) for (const [key, value] of rows) await database.put(store, value, key);
  for (const { store, kind, args } of ops.slice(first)) {
    if (kind === 'put') await database.put(store, args[0], args[1] as IDBValidKey);
    else await database.delete(store, args[0] as IDBKeyRange);
  }
  database.close();
  return openIndexedDbStore(name);
}
