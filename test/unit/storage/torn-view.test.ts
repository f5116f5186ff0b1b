import 'fake-indexeddb/auto';
import { IDBObjectStore as FakeObjectStore } from 'fake-indexeddb';
import { openDB } from 'idb';
import { describe, expect, test } from 'vitest';
import type { IndexedDbStore } from '../../../sw/storage/indexeddb-store.ts';
import { openIndexedDbStore } from '../../../sw/storage/indexeddb-store.ts';
import { openReplica } from '../../support/node-replica.ts';

/*
 * Chromium writes a transaction by and by, and syncs what it wrote last. When LevelDB goes on in a new file meanwhile, a power
 * cut takes the transaction's beginning and leaves its end (docs/reliability.md): done here with the writes of a real one.
 */

/** One write of a transaction. */
interface Op {
  readonly store: string;
  readonly kind: 'put' | 'delete';
  readonly args: readonly unknown[];
}

/** What every store holds, by its name. */
type Image = ReadonlyMap<string, readonly (readonly [key: IDBValidKey, value: unknown])[]>;

let names = 0;
const newName = (): string => `torn ${names++}`;

/** The writes that `body` asks for, in order; they are made as well. */
async function opsOf(body: () => Promise<unknown>): Promise<readonly Op[]> {
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

async function imageOf(name: string): Promise<Image> {
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
async function tear(image: Image, ops: readonly Op[], first: number): Promise<IndexedDbStore> {
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

const VIEW = 'items@1';
const texts = (entries: Readonly<Record<string, string>>): ReadonlyMap<string, string> =>
  new Map(Object.entries(entries));

async function shownBy({ views }: IndexedDbStore): Promise<Readonly<Record<string, string | undefined>> | 'torn'> {
  const view = await views.open(VIEW);
  if (view?.isTorn === true) return 'torn';
  const keys = (view?.shards ?? []).toSorted();
  const found = await views.shards(VIEW, keys);
  return Object.fromEntries(keys.map((key, i) => [key, found[i]]));
}

describe('a view after a power cut that left the end of a transaction', () => {
  for (const [size, length] of Object.entries({ small: 10, 'in pieces': 100_000 })) {
    test(`VIEW2 LOG18 a commit (${size}) is there whole, or not at all, or known as torn`, async () => {
      const name = newName();
      const { views, close } = await openIndexedDbStore(name);
      const [old, fresh] = ['1'.repeat(length), '2'.repeat(length)];
      await views.commit(VIEW, {
        expected: undefined,
        checkpoint: old,
        put: texts({ a: old, b: old, c: 'C' }),
        remove: [],
      });
      const before = await imageOf(name);
      const change = { expected: old, checkpoint: fresh, put: texts({ a: fresh, d: fresh }), remove: ['b'] };
      const ops = await opsOf(() => views.commit(VIEW, change));
      await close();
      const whole = { a: fresh, c: 'C', d: fresh };
      expect(await shownBy(await tear(before, ops, 0))).toEqual(whole);
      expect(await shownBy(await tear(before, ops, ops.length))).toEqual({ a: old, b: old, c: 'C' });
      for (let first = 1; first < ops.length; first++) {
        expect(await shownBy(await tear(before, ops, first)), `without the first ${first} of ${ops.length}`).toBe(
          'torn',
        );
      }
    });
  }

  test('VIEW2 VIEW6 a view that is dropped is gone, or as it was, and nothing of it is in the next one', async () => {
    const name = newName();
    const { views, close } = await openIndexedDbStore(name);
    await views.commit(VIEW, { expected: undefined, checkpoint: '1', put: texts({ a: 'A', b: 'B' }), remove: [] });
    const before = await imageOf(name);
    const ops = await opsOf(() => views.drop(VIEW));
    await close();
    for (let first = 0; first < ops.length; first++) {
      const store = await tear(before, ops, first);
      expect(await store.views.open(VIEW), `without the first ${first} of ${ops.length}`).toBeUndefined();
      const change = { expected: undefined, checkpoint: '2', put: texts({ b: 'B2' }), remove: [] };
      expect(await store.views.commit(VIEW, change)).toBe(true);
      expect(await shownBy(store)).toEqual({ b: 'B2' });
    }
  });

  test('VIEW2 VIEW6 a torn view is built again from its log: everything is shown, and what is written next as well', async () => {
    const name = newName();
    const { rows, views } = await openIndexedDbStore(name);
    const replica = await openReplica({ rows, views });
    const write = (key: string) => replica.append([{ writes: [{ key, value: key }] }]);
    await write('a');
    await replica.flush();
    await write('b');
    const before = await imageOf(name);
    const ops = await opsOf(() => replica.flush());
    await replica.close();
    expect(ops.length).toBeGreaterThan(2);
    for (let first = 0; first <= ops.length; first++) {
      const store = await tear(before, ops, first);
      const again = await openReplica({ rows: store.rows, views: store.views });
      expect((await again.view.items('')).map(({ key }) => key).toSorted(), `without the first ${first}`).toEqual([
        'a',
        'b',
      ]);
      await again.append([{ writes: [{ key: 'c', value: 'c' }] }]);
      await again.flush();
      await again.close();
    }
  });
});
