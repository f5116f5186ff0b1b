import 'fake-indexeddb/auto';
import { openDB } from 'idb';
import { afterEach, expect, test, vi } from 'vitest';
import type { Durability } from '../../../core/log/row-store.ts';
import { createLogRoom } from '../../../sw/storage/begin-log.ts';
import { openIndexedDbStore } from '../../../sw/storage/indexeddb-store.ts';

afterEach(() => vi.restoreAllMocks());

/** Writes rows of some bytes one after the other, and tells after which of them Chromium would have begun another log. */
async function beginnings(durability: Durability, lengths: readonly number[], isChromium = true): Promise<number[]> {
  const { rows, close } = await openIndexedDbStore(`rows ${Math.random()}`);
  vi.stubGlobal('navigator', isChromium ? { userAgentData: {} } : {});
  const begun: number[] = [];
  let written = 0;
  const remove = vi.spyOn(indexedDB, 'deleteDatabase');
  remove.mockImplementation(function (this: IDBFactory, name) {
    expect(name).toBe('wakelog-begin');
    begun.push(written);
    return Object.getPrototypeOf(indexedDB).deleteDatabase.call(indexedDB, name) as IDBOpenDBRequest;
  });
  for (const [first, length] of lengths.entries()) {
    await rows.write(durability, (tx) =>
      tx.putRun({ log: 'a', first, count: 1, lastId: new Uint8Array(32), bytes: new Uint8Array(length) }),
    );
    written += 1;
  }
  await close();
  return begun;
}

test('LOG23 before the first strict write, and again before the log may be full', async () => {
  const lengths = Array.from({ length: 60 }, () => 50_000);
  const begun = await beginnings('strict', lengths);
  expect(begun[0]).toBe(0);
  expect(begun.length).toBeGreaterThan(2);
  // LevelDB would begin another one after 4 MB.
  for (const [i, at] of begun.entries())
    expect(((begun[i + 1] ?? lengths.length) - at) * 50_000).toBeLessThan(2_000_000);
  const small = await beginnings(
    'strict',
    Array.from({ length: 200 }, () => 100),
  );
  expect(small).toEqual([0]);
});

test('LOG23 a relaxed write may be torn, and is mended: nothing begins for it', async () => {
  expect(await beginnings('relaxed', [1_000, 3_000_000, 1_000])).toEqual([]);
});

test('LOG23 other browsers keep IndexedDB in something else', async () => {
  expect(await beginnings('strict', [1_000, 3_000_000, 1_000], false)).toEqual([]);
});

test('LOG23 LOG18 where it cannot begin another log, the write is made all the same', async () => {
  const { rows, close } = await openIndexedDbStore('in the way');
  vi.stubGlobal('navigator', { userAgentData: {} });
  vi.spyOn(indexedDB, 'deleteDatabase').mockImplementation(() => {
    throw new DOMException('no', 'UnknownError');
  });
  await rows.write('strict', (tx) => tx.putValue('a', 'written'));
  expect(await rows.read((tx) => tx.value('a'))).toBe('written');
  await close();
});

test('LOG23 S2.12 another log begins between strict transactions, whichever database of the worker they are of', async () => {
  const room = createLogRoom();
  const one = await openIndexedDbStore('one', { room });
  const other = await openIndexedDbStore('other', { room });
  vi.stubGlobal('navigator', { userAgentData: {} });
  const happened: string[] = [];
  await one.rows.write('strict', (tx) => tx.putValue('first', 'written'));
  const remove = Object.getPrototypeOf(indexedDB).deleteDatabase as IDBFactory['deleteDatabase'];
  vi.spyOn(indexedDB, 'deleteDatabase').mockImplementation((name) => {
    happened.push('another log');
    return remove.call(indexedDB, name);
  });
  const next: Promise<void>[] = [];
  await one.rows.write('strict', async (tx) => {
    await tx.putRun({ log: 'a', first: 0, count: 1, lastId: new Uint8Array(32), bytes: new Uint8Array(3_000_000) });
    for (const { rows } of [one, other]) {
      const writing = rows.write('strict', (tx) => tx.putValue('next', 'written'));
      next.push(writing.then(() => void happened.push('a next one')));
    }
    for (let i = 0; i < 20; i++) await tx.value('first');
    happened.push('the long one');
  });
  await Promise.all(next);
  expect(happened).toEqual(['the long one', 'another log', 'a next one', 'a next one']);
  await one.close();
  await other.close();
});

test('LOG23 LOG18 where beginning another log does not end, the write is made all the same', async () => {
  const { rows, close } = await openIndexedDbStore('held up');
  vi.stubGlobal('navigator', { userAgentData: {} });
  const inTheWay = await openDB('wakelog-begin');
  await rows.write('strict', (tx) => tx.putValue('a', 'written'));
  expect(await rows.read((tx) => tx.value('a'))).toBe('written');
  inTheWay.close();
  await close();
});
