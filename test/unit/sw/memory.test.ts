import 'fake-indexeddb/auto';
import { expect, test } from 'vitest';
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
