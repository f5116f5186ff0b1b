import { deleteDB, openDB } from 'idb';
import type { IDBPDatabase } from 'idb';
import { expect, test } from 'vitest';
import type { SimRandom } from '../world/random.ts';
import { createRandom } from '../world/random.ts';
import { createTestBrowser } from './test-browser.ts';

/*
 * What a power cut leaves, against a model that knows nothing of the disk: the contents of all databases after each change.
 */

type Store = Map<number | string, string>;
interface ModelStore {
  readonly records: Store;
  /** The last number drawn; undefined: keys are given. */
  generated: number | undefined;
  readonly hasIndex: boolean;
}
interface ModelDatabase {
  version: number;
  readonly stores: Map<string, ModelStore>;
}
type Model = Map<string, ModelDatabase>;

const STORES = ['plain', 'numbered', 'indexed'];

function copyOf(model: Model): Model {
  return structuredClone(model);
}

function upgrade(database: IDBPDatabase, version: number): void {
  if (version === 1) {
    database.createObjectStore('plain');
    database.createObjectStore('numbered', { keyPath: 'id', autoIncrement: true });
    database.createObjectStore('indexed').createIndex('text', 'text');
  } else database.createObjectStore(`more ${version}`);
  if (version > 3) database.deleteObjectStore(`more ${version - 1}`);
}

function modelUpgrade(model: Model, name: string, version: number): void {
  const database: ModelDatabase = model.get(name) ?? { version: 0, stores: new Map() };
  model.set(name, database);
  database.version = version;
  if (version === 1) {
    for (const store of STORES) {
      const generated = store === 'numbered' ? 0 : undefined;
      database.stores.set(store, { records: new Map(), generated, hasIndex: store === 'indexed' });
    }
  } else database.stores.set(`more ${version}`, { records: new Map(), generated: undefined, hasIndex: false });
  if (version > 3) database.stores.delete(`more ${version - 1}`);
}

/** One random transaction, on the disk and on the model. An aborted one leaves the model as it is. */
async function change(random: SimRandom, model: Model, name: string, isStrict: boolean): Promise<'commit' | 'abort'> {
  const database = await openDB(name);
  const durability = isStrict ? 'strict' : random.pick(['relaxed', 'default'] as const);
  const next = copyOf(model);
  const stores = [...(next.get(name)?.stores.entries() ?? [])];
  const scope = random.chance(0.5) ? stores : [random.pick(stores)];
  const tx = database.transaction(
    scope.map(([store]) => store),
    'readwrite',
    { durability },
  );
  const aborts = random.chance(0.15);
  for (let i = random.int(6); i >= 0; i--) {
    const [storeName, modelled] = random.pick(scope);
    await act(random, tx.objectStore(storeName), modelled);
  }
  if (aborts) tx.abort();
  else if (random.chance(0.5)) tx.commit();
  await tx.done.catch(() => undefined);
  database.close();
  if (aborts) return 'abort';
  model.set(name, next.get(name) as ModelDatabase);
  return 'commit';
}

interface StoreToWrite {
  put(value: unknown, key?: IDBValidKey): Promise<unknown>;
  delete(key: IDBKeyRange | IDBValidKey): Promise<unknown>;
  clear(): Promise<unknown>;
}

async function act(random: SimRandom, tx: unknown, modelled: ModelStore): Promise<void> {
  const store = tx as StoreToWrite;
  const { records, hasIndex } = modelled;
  const text = `text ${random.int(1_000)}`;
  const what = random.int(10);
  if (what === 0) {
    records.clear();
    await store.clear();
  } else if (what < 3) {
    const [low, high] = [random.int(8), random.int(8)].toSorted((a, b) => a - b) as [number, number];
    for (const key of records.keys()) if (typeof key === 'number' && key >= low && key <= high) records.delete(key);
    await store.delete(IDBKeyRange.bound(low, high));
  } else if (modelled.generated !== undefined && what < 6) {
    modelled.generated += 1;
    records.set(modelled.generated, text);
    await store.put({ text });
  } else if (modelled.generated !== undefined) {
    const id = random.int(12);
    modelled.generated = Math.max(modelled.generated, id);
    records.set(id, text);
    await store.put({ id, text });
  } else {
    const key = random.chance(0.5) ? random.int(10) : `key ${random.int(10)}`;
    records.set(key, text);
    await store.put(hasIndex ? { text, bytes: new Uint8Array(3) } : { text }, key);
  }
}

/** Everything that is on the disk, as a model; indexes are compared with their stores at once. */
async function readModel(): Promise<Model> {
  const model: Model = new Map();
  for (const { name = '', version = 0 } of await indexedDB.databases()) {
    const database = await openDB(name);
    const stores = new Map<string, ModelStore>();
    for (const storeName of database.objectStoreNames) {
      const { store } = database.transaction(storeName);
      const [keys, values] = await Promise.all([store.getAllKeys(), store.getAll() as Promise<{ text: string }[]>]);
      const records: Store = new Map(keys.map((key, i) => [key as number | string, values[i]?.text ?? '']));
      const hasIndex = store.indexNames.length > 0;
      if (hasIndex) {
        const byText = (await store.index('text').getAllKeys()) as (number | string)[];
        const wanted = [...records].toSorted(([, a], [, b]) => (a < b ? -1 : a > b ? 1 : 0));
        expect(byText.map((key) => records.get(key))).toEqual(wanted.map(([, text]) => text));
        expect(new Set(byText)).toEqual(new Set(records.keys()));
      }
      stores.set(storeName, { records, generated: undefined, hasIndex });
    }
    for (const [storeName, modelled] of stores) {
      if (storeName === 'numbered') modelled.generated = await lastGenerated(database);
    }
    model.set(name, { version, stores });
    database.close();
  }
  return model;
}

/** Draws a number and gives it back. */
async function lastGenerated(database: IDBPDatabase): Promise<number> {
  const tx = database.transaction('numbered', 'readwrite');
  const next = (await tx.store.put({ text: '' })) as number;
  tx.abort();
  await tx.done.catch(() => undefined);
  return next - 1;
}

test('S1.1 a power cut leaves what was there after some change: after the last strict one, or later', async () => {
  let [lostSome, keptSome] = [0, 0];
  for (let seed = 0; seed < 120; seed++) {
    const browser = createTestBrowser(seed);
    const random = createRandom(seed, 'test');
    const model: Model = new Map();
    const states: Model[] = [copyOf(model)];
    let lastStrict = 0;
    for (let round = 0; round < 3; round++) {
      await browser.run(async () => {
        for (let i = 0; i < 12; i++) {
          const name = random.pick(['one', 'two']);
          const database = model.get(name);
          if (database === undefined || random.chance(0.1)) {
            const version = (database?.version ?? 0) + 1;
            (await openDB(name, version, { upgrade: (db) => upgrade(db, version) })).close();
            modelUpgrade(model, name, version);
          } else if (random.chance(0.05)) {
            await deleteDB(name);
            model.delete(name);
          } else {
            const isStrict = random.chance(0.15);
            if ((await change(random, model, name, isStrict)) === 'abort') continue;
            if (isStrict) lastStrict = states.length;
          }
          states.push(copyOf(model));
        }
      });
      expect(browser.disk.volatile()).toBe(states.length - 1 - lastStrict);
      const { lost, kept } = browser.disk.powerCut();
      expect(lost + kept).toBe(states.length - 1 - lastStrict);
      if (lost > 0) lostSome += 1;
      if (kept > 0) keptSome += 1;
      const left = states[states.length - 1 - lost] as Model;
      expect(await browser.run(readModel)).toEqual(left);
      model.clear();
      for (const [name, database] of copyOf(left)) model.set(name, database);
      states.splice(0, states.length, copyOf(left));
      lastStrict = 0;
    }
  }
  expect(lostSome).toBeGreaterThan(50);
  expect(keptSome).toBeGreaterThan(50);
}, 60_000);

test('S1.1 what the operating system has written back by itself survives a power cut, also when nothing was strict', async () => {
  const { disk, run, pass } = createTestBrowser(1);
  await run(async () => {
    const database = await openDB('one', 1, { upgrade: (db) => void db.createObjectStore('plain') });
    await database.put('plain', 'kept', 1);
  });
  expect(disk.volatile()).toBe(2);
  await pass(60_000);
  expect(disk.volatile()).toBe(0);
  expect(disk.powerCut()).toEqual({ lost: 0, kept: 0 });
  expect(await run(async () => (await openDB('one')).get('plain', 1))).toBe('kept');
});

test('S1.1 a strict commit that a power cut meets before it was acknowledged is there whole, or not at all, each now and then', async () => {
  let [kept, lost] = [0, 0];
  for (let seed = 0; seed < 60; seed++) {
    const { disk, run, start, pass, world } = createTestBrowser(seed);
    await run(async () => {
      await openDB('one', 1, { upgrade: (db) => void db.createObjectStore('plain') });
    });
    await pass(60_000);
    let acknowledged = false;
    const writer = start(async () => {
      const database = await openDB('one');
      const tx = database.transaction('plain', 'readwrite', { durability: 'strict' });
      for (let i = 0; i < 20; i++) void tx.store.put(i, i);
      tx.commit();
      await tx.done;
      acknowledged = true;
    });
    // 20 requests take less than the rest of it.
    while (disk.volatile() === 0) await pass(0.1);
    world.kill(writer);
    disk.powerCut();
    const count = await run(async () => (await openDB('one')).count('plain'));
    expect([0, 20]).toContain(count);
    expect(acknowledged).toBe(false);
    if (count === 20) kept += 1;
    else lost += 1;
  }
  expect(Math.min(kept, lost)).toBeGreaterThan(5);
});

test('S1.1 a transaction that had only been asked to commit when its program died and the power was cut is there whole, or not at all', async () => {
  const found = new Set<number>();
  for (let seed = 0; seed < 60; seed++) {
    const { disk, run, start, pass, world } = createTestBrowser(seed);
    await run(async () => {
      await openDB('one', 1, { upgrade: (db) => void db.createObjectStore('plain') });
    });
    await pass(60_000);
    const writer = start(async () => {
      const tx = (await openDB('one')).transaction('plain', 'readwrite', { durability: 'strict' });
      for (let i = 0; i < 20; i++) tx.store.put(i, i).catch(() => undefined);
      tx.commit();
      tx.done.catch(() => undefined);
    });
    await pass(world.random.between(0.5, 8));
    world.kill(writer);
    await pass(world.random.between(0, 4));
    disk.powerCut();
    await pass(100);
    found.add(await run(async () => (await openDB('one')).count('plain')));
  }
  expect([...found].toSorted((a, b) => a - b)).toEqual([0, 20]);
});

test('S1.1 of transactions that run side by side, what was complete before a strict one began is durable with it', async () => {
  for (let seed = 0; seed < 40; seed++) {
    const { disk, start, run, pass, world } = createTestBrowser(seed);
    const random = createRandom(seed, 'side by side');
    const complete: { readonly store: string; readonly n: number; readonly before: readonly string[] }[] = [];
    let began = 0;
    const writer = start(async () => {
      const database = await openDB('one', 1, {
        upgrade(db) {
          for (const store of ['a', 'b']) db.createObjectStore(store);
        },
      });
      const write = async (store: string): Promise<void> => {
        for (let n = 0; n < 40; n++) {
          const isStrict = random.chance(0.1);
          const before = complete.map((done) => `${done.store}${done.n}`);
          began += 1;
          const tx = database.transaction(store, 'readwrite', { durability: isStrict ? 'strict' : 'relaxed' });
          await tx.store.put(n, n);
          await tx.done;
          complete.push({ store, n, before: isStrict ? [...before, `${store}${n}`] : [] });
        }
      };
      void write('a');
      void write('b');
    });
    await pass(random.between(2, 60));
    world.kill(writer);
    disk.powerCut();
    const left = await run(async () => {
      const found: string[] = [];
      for (const { name = '' } of await indexedDB.databases()) {
        const database = await openDB(name);
        for (const store of ['a', 'b']) {
          const keys = await database.getAllKeys(store);
          expect(keys).toEqual(keys.map((_key, i) => i));
          found.push(...keys.map((key) => `${store}${key as number}`));
        }
      }
      return found;
    });
    expect(began).toBeGreaterThanOrEqual(complete.length);
    for (const { before } of complete) expect(left).toEqual(expect.arrayContaining([...before]));
  }
});

test('LOG22 what is written behind a torn end is deleted at the next start, unless a database was deleted in between', async () => {
  for (const between of ['nothing', 'reading', 'writing', 'beginning anew, then writing'] as const) {
    const { disk, run } = createTestBrowser(1);
    const write = (key: string): Promise<unknown> =>
      run(async () => {
        const database = await openDB('one', 1, { upgrade: (db) => void db.createObjectStore('plain') });
        await database.put('plain', 1, key);
      });
    const keys = (): Promise<unknown> => run(async () => (await indexedDB.databases()).length > 0 && (await openDB('one')).getAllKeys('plain'));
    await write('first');
    disk.tear();
    disk.start();
    expect(await keys()).toEqual(['first']);
    if (between === 'beginning anew, then writing') {
      await run(async () => {
        (await openDB('wakelog-begin')).close();
        await deleteDB('wakelog-begin');
      });
    }
    if (between.endsWith('writing')) await write('second');
    disk.start();
    const left = { nothing: ['first'], reading: ['first'], writing: false, 'beginning anew, then writing': ['first', 'second'] };
    expect(await keys(), between).toEqual(left[between]);
  }
});
