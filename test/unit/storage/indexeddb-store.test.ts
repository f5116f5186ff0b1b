import 'fake-indexeddb/auto';
import { deleteDB, openDB } from 'idb';
import { afterEach, expect, test } from 'vitest';
import type { RunRow } from '../../../core/log/row-store.ts';
import type { IndexedDbStore } from '../../../sw/storage/indexeddb-store.ts';
import { deleteIndexedDbStore, openIndexedDbStore } from '../../../sw/storage/indexeddb-store.ts';

let names = 0;
const opened: IndexedDbStore[] = [];

async function open(name: string, onGone?: () => void): Promise<IndexedDbStore> {
  const store = await openIndexedDbStore(name, onGone === undefined ? {} : { onGone });
  opened.push(store);
  return store;
}

function newName(): string {
  return `store ${names++}`;
}

afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
});

function runRow(first: number, length: number): RunRow {
  return {
    log: 'a log',
    first,
    count: 1,
    lastId: new Uint8Array(32).fill(7),
    bytes: new Uint8Array(length).fill(first + 1),
  };
}

/** Bytes that the browser would serialise for the largest value anywhere in a database, its buffers counted whole. */
async function largestValueBytes(name: string): Promise<number> {
  const database = await openDB(name);
  let largest = 0;
  for (const store of database.objectStoreNames) {
    for (const value of await database.getAll(store)) largest = Math.max(largest, sizeOf(value));
  }
  database.close();
  return largest;
}

function sizeOf(value: unknown): number {
  if (value instanceof Uint8Array) return value.buffer.byteLength;
  if (typeof value === 'string') return /[^\p{ASCII}é]/u.test(value) ? value.length * 2 : value.length;
  if (typeof value !== 'object' || value === null) return 8;
  return Object.entries(value).reduce((sum, [key, inner]) => sum + key.length + sizeOf(inner), 0);
}

test('LOG20 no value in the database exceeds 60 KB, whatever is stored, and views of larger buffers are not stored with them', async () => {
  const name = newName();
  const { rows, views } = await open(name);
  const frame = new Uint8Array(4_000_000);
  await rows.write('strict', async (tx) => {
    for (const [first, length] of [200, 49_152, 49_153, 1_048_576].entries()) await tx.putRun(runRow(first, length));
    await tx.putRun({ ...runRow(9, 1), bytes: frame.subarray(100, 300) });
    await tx.putQuarantined({ log: 'a log', first: 0, lastId: new Uint8Array(32), bytes: frame.subarray(0, 300_000) });
    await tx.putQuarantined({ log: 'a log', first: 1, lastId: new Uint8Array(32), bytes: frame.subarray(0, 10) });
  });
  const put = new Map([
    ['latin', 'é'.repeat(200_000)],
    ['wide', '漢'.repeat(200_000)],
  ]);
  await views.commit('items', { expected: undefined, checkpoint: '漢'.repeat(100_000), put, remove: [] });
  const largest = await largestValueBytes(name);
  expect(largest).toBeGreaterThan(48_000);
  expect(largest).toBeLessThan(60_000);
});

test('LOG20 LOG3 a large run that is replaced by a small one leaves none of its pieces in the database', async () => {
  const name = newName();
  const { rows } = await open(name);
  await rows.write('strict', async (tx) => {
    await tx.putRun(runRow(0, 300_000));
    await tx.putRun(runRow(1, 300_000));
    await tx.putRun(runRow(2, 10));
  });
  await rows.write('strict', async (tx) => {
    await tx.putRun(runRow(0, 100));
    await tx.deleteRun('a log', 1);
  });
  expect((await rows.read((tx) => tx.runs('a log', 0, 5, 1_000_000))).map((row) => row.bytes.length)).toEqual([
    100, 10,
  ]);
  const database = await openDB(name);
  expect(await database.count('runs')).toBe(2);
  database.close();
});

test('LOG19 a newer version of the site that upgrades the database ends older connections, which say so once', async () => {
  const name = newName();
  let gone = 0;
  const store = await open(name, () => gone++);
  const newer = await openDB(name, 2);
  expect(gone).toBe(1);
  await expect(store.rows.read((tx) => tx.heads())).rejects.toMatchObject({ name: 'StorageGone' });
  await expect(store.rows.write('strict', (tx) => tx.putValue('a', 'b'))).rejects.toMatchObject({
    name: 'StorageGone',
  });
  await expect(store.views.open('items')).rejects.toMatchObject({ name: 'StorageGone' });
  await expect(store.keys.get('writer')).rejects.toMatchObject({ name: 'StorageGone' });
  await store.close();
  expect(gone).toBe(1);
  await expect(openIndexedDbStore(name)).rejects.toMatchObject({ name: 'StorageTooNew' });
  newer.close();
  await deleteDB(name);
});

test('LOG19 wiping a database ends connections to it, and nothing of it is there when it is opened again', async () => {
  const name = newName();
  let gone = 0;
  const store = await open(name, () => gone++);
  await store.rows.write('strict', (tx) => tx.putValue('kept', 'no'));
  await deleteIndexedDbStore(name);
  expect(gone).toBe(1);
  await expect(store.rows.read((tx) => tx.heads())).rejects.toMatchObject({ name: 'StorageGone' });
  expect(await (await open(name)).rows.read((tx) => tx.value('kept'))).toBeUndefined();
});

test('LOG19 a store that its own user closed answers StorageGone and tells nobody', async () => {
  let gone = 0;
  const store = await open(newName(), () => gone++);
  await store.rows.close();
  await expect(store.rows.read((tx) => tx.heads())).rejects.toMatchObject({ name: 'StorageGone' });
  expect(gone).toBe(0);
});

test('LOG13 a body that throws, in the middle or at the end, aborts its transaction whole and keeps its own error', async () => {
  const { rows } = await open(newName());
  for (const when of ['middle', 'end']) {
    const failing = rows.write('strict', async (tx) => {
      await tx.putValue('a', 'b');
      if (when === 'middle') throw new RangeError('on purpose');
      await tx.putRun(runRow(0, 200_000));
      expect(await tx.value('a')).toBe('b');
      throw new RangeError('on purpose');
    });
    await expect(failing).rejects.toThrow(new RangeError('on purpose'));
  }
  expect(await rows.read((tx) => tx.value('a'))).toBeUndefined();
  expect(await rows.read((tx) => tx.runs('a log', 0, 5, 1_000_000))).toEqual([]);
  await rows.write('strict', () => undefined);
});

test('S1.1 keys are kept by name, apart from everything else', async () => {
  const name = newName();
  const { keys } = await open(name);
  expect(await keys.get('writer')).toBeUndefined();
  await keys.put('writer', new Uint8Array([1, 2, 3]));
  await keys.put('writer', new Uint8Array([4, 5, 6]));
  expect(await (await open(name)).keys.get('writer')).toEqual(new Uint8Array([4, 5, 6]));
});
