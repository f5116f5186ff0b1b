import 'fake-indexeddb/auto';
import { IDBObjectStore as FakeObjectStore } from 'fake-indexeddb';
import { expect, test } from 'vitest';
import { StorageFull } from '../../../core/log/row-store.ts';
import { createMemory } from '../../../sw/memory.ts';
import { createMetaStore } from '../../../sw/storage/meta-store.ts';

const ANN = { account: 'ann', space: 'tasks' };
const BOB = { account: 'bob', space: 'tasks' };

test('CAP33 what pages said is there after a restart, apart for each account', async () => {
  const before = createMemory(createMetaStore('restart'));
  expect(await before.setSession({ ...ANN, url: '/a' })).toBeUndefined();
  expect(await before.setSession({ ...BOB, url: '/b' })).toEqual({ ...ANN, url: '/a' });
  await before.setWishes(ANN, { updates: 'live', headers: { authorization: 'Bearer ann' } });
  await before.setPush(BOB, { subscription: { endpoint: 'https://push.example' }, told: true });
  await before.changeTabs((tabs) => ({ ...tabs, one: ANN }));

  const after = createMemory(createMetaStore('restart'));
  expect(await after.session()).toEqual({ ...BOB, url: '/b' });
  expect(await after.wishes(ANN)).toEqual({ updates: 'live', headers: { authorization: 'Bearer ann' } });
  expect(await after.wishes(BOB)).toEqual({ updates: 'hold', headers: {} });
  expect(await after.push(ANN)).toBeUndefined();
  expect(await after.push(BOB)).toMatchObject({ told: true });
  expect(await after.tabs()).toEqual({ one: ANN });
  await after.setSession(undefined);
  expect(await before.session()).toBeUndefined();
});

test('CAP34 news counts each key once, up to a thousand, until somebody looks', async () => {
  const memory = createMemory(createMetaStore('news'));
  await Promise.all([memory.addNews(ANN, ['a', 'b']), memory.addNews(ANN, ['b', 'c']), memory.addNews(BOB, ['x'])]);
  expect([...(await memory.news(ANN))].sort()).toEqual(['a', 'b', 'c']);
  await memory.addNews(
    ANN,
    Array.from({ length: 2_000 }, (_, n) => `key ${n}`),
  );
  expect(await memory.news(ANN)).toHaveLength(1_000);
  await memory.clearNews(ANN);
  expect(await memory.news(ANN)).toEqual([]);
  expect(await memory.news(BOB)).toEqual(['x']);
});

test('CAP36 an emptied memory knows nothing and works on', async () => {
  const memory = createMemory(createMetaStore('emptied'));
  await memory.setSession({ ...ANN, url: '/a' });
  await new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase('emptied');
    request.addEventListener('success', resolve);
    request.addEventListener('error', reject);
    request.addEventListener('blocked', () => reject(new Error('a connection stayed open')));
  });
  expect(await memory.session()).toBeUndefined();
  await memory.setSession({ ...BOB, url: '/b' });
  expect(await memory.session()).toEqual({ ...BOB, url: '/b' });
});

test('CAP33 changes at the same time are all there: each reads what the one before wrote', async () => {
  const memory = createMemory(createMetaStore('race'));
  const other = createMemory(createMetaStore('race'));
  await Promise.all(
    Array.from({ length: 40 }, (_, n) =>
      (n % 2 === 0 ? memory : other).changeTabs((tabs) => ({ ...tabs, [`tab ${n}`]: ANN })),
    ),
  );
  expect(Object.keys(await memory.tabs())).toHaveLength(40);
});

/** From now on no database takes a value any more; deletions pass. Returns how to end that. */
function fillDisk(): () => void {
  const { put } = FakeObjectStore.prototype;
  FakeObjectStore.prototype.put = function putWithoutRoom(this: IDBObjectStore, value: unknown, key?: IDBValidKey) {
    const request = put.call(this, value, key);
    (this.transaction as IDBTransaction & { _abort(error: string): void })._abort('QuotaExceededError');
    return request;
  };
  return () => {
    FakeObjectStore.prototype.put = put;
  };
}

test('LOG18 CAP33 without room a page that was here before is greeted and remembered as it was; another account is refused', async () => {
  const memory = createMemory(createMetaStore('full'));
  await memory.setSession({ ...ANN, url: '/a' });
  await memory.setWishes(ANN, { updates: 'live', headers: {} });
  await memory.changeTabs(() => ({ one: ANN }));
  const makeRoom = fillDisk();
  try {
    expect(await memory.setSession({ ...ANN, url: '/later' })).toEqual({ ...ANN, url: '/a' });
    await memory.setWishes(ANN, { updates: 'hold', headers: {} });
    await memory.changeTabs((tabs) => ({ ...tabs, two: ANN }));
    await memory.addNews(ANN, ['a']);
    await memory.clearNews(ANN);
    // Who uses the browser must never be told wrong after a restart.
    await expect(memory.setSession({ ...BOB, url: '/b' })).rejects.toThrow(StorageFull);
  } finally {
    makeRoom();
  }
  expect(await memory.session()).toEqual({ ...ANN, url: '/a' });
  expect(await memory.wishes(ANN)).toEqual({ updates: 'live', headers: {} });
  expect(await memory.tabs()).toEqual({ one: ANN });
  await memory.setSession({ ...BOB, url: '/b' });
  expect(await memory.session()).toEqual({ ...BOB, url: '/b' });
});
