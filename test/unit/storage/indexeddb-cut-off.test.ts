import 'fake-indexeddb/auto';
import {
  IDBDatabase as FakeDatabase,
  IDBFactory as FakeFactory,
  IDBOpenDBRequest as FakeOpening,
  IDBTransaction as FakeTransaction,
  IDBVersionChangeEvent as FakeEvent,
} from 'fake-indexeddb';
import { openDB } from 'idb';
import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
import type { IndexedDbStore } from '../../../sw/storage/indexeddb-store.ts';
import { openIndexedDbStore } from '../../../sw/storage/indexeddb-store.ts';
import { createMetaStore } from '../../../sw/storage/meta-store.ts';

/*
 * What Firefox does while it empties a site's storage. The databases are gone at once in the browser's own process, and the
 * worker is told a few ms later: transactions under way are aborted, then each connection gets `close`. A transaction that
 * was begun in between is told nothing, ever.
 */

interface TransactionInside extends IDBTransaction {
  _start(): void;
  _abort(error: string | null): void;
}

const insideOf = (tx: IDBTransaction): TransactionInside => tx as TransactionInside;

/** Connections on which a transaction was begun since. */
const used: IDBDatabase[] = [];
let begun: TransactionInside[] = [];

const { transaction } = FakeDatabase.prototype;
vi.spyOn(FakeDatabase.prototype, 'transaction').mockImplementation(function note(this: IDBDatabase, ...asked) {
  const tx = transaction.apply(this, asked);
  used.push(this);
  begun.push(insideOf(tx));
  return tx;
});
const starting = vi.spyOn(FakeTransaction.prototype as unknown as TransactionInside, '_start');

afterEach(() => {
  starting.mockReset();
  used.length = 0;
  begun = [];
});

/** From now on no transaction is worked on, and none ends. */
function emptyUnnoticed(): void {
  starting.mockImplementation(() => undefined);
}

/** The worker is told: every connection is closed. Whoever opens a database now finds a new one, which works. */
function tellClosed(): void {
  starting.mockReset();
  globalThis.indexedDB = new FakeFactory();
  for (const database of new Set(used.splice(0))) {
    database.close();
    database.dispatchEvent(new FakeEvent('close'));
  }
}

/** Everything that has nothing to wait for has happened. */
function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 5));
}

let names = 0;

async function open(onGone?: () => void): Promise<IndexedDbStore> {
  return openIndexedDbStore(`cut off ${names++}`, onGone === undefined ? {} : { onGone });
}

test('LOG19 CAP36 what Firefox forgot, while it emptied the site, to end is given up once the connection is closed', async () => {
  let gone = 0;
  const store = await open(() => gone++);
  await store.rows.write('strict', (tx) => tx.putValue('a', 'b'));
  emptyUnnoticed();
  const waits = [
    store.rows.read((tx) => tx.value('a')),
    store.rows.read((tx) => tx.heads()),
    store.rows.write('strict', async (tx) => tx.putValue('a', `${await tx.value('a')}!`)),
    // Nothing is asked of it: only its end is waited for.
    store.rows.write('relaxed', () => undefined),
    store.views.open('items'),
    store.keys.put('writer', new Uint8Array(32)),
  ];
  const ended = vi.fn<() => void>();
  for (const wait of waits) wait.then(ended, ended);
  await pause();
  expect(ended).not.toHaveBeenCalled();
  tellClosed();
  for (const wait of waits) await expect(wait).rejects.toMatchObject({ name: 'StorageGone' });
  expect(gone).toBe(1);
});

test('LOG19 CAP30 a write under way while a newer version takes the database is waited for: it is told as committed, and it is', async () => {
  const store = await open();
  const writing = store.rows.write('strict', async (tx) => tx.putValue('a', `${await tx.value('a')}!`));
  const newer = await openDB(`cut off ${names - 1}`, 2);
  await expect(writing).resolves.toBeUndefined();
  expect(await newer.get('values', 'a')).toBe('undefined!');
  newer.close();
});

test('LOG19 CAP36 a body that meets the end of its transaction before the browser tells of it fails with StorageGone, whatever it met', async () => {
  for (const error of ['AbortError', null]) {
    const store = await open();
    const writing = store.rows.write('strict', async (tx) => {
      await tx.value('a');
      begun.at(-1)?._abort(error);
      await tx.putValue('a', 'b');
      await tx.heads();
    });
    await expect(writing).rejects.toMatchObject({ name: 'StorageGone' });
    const reading = store.rows.read(async (tx) => {
      await tx.value('a');
      begun.at(-1)?._abort(error);
      return tx.value('b');
    });
    await expect(reading).rejects.toMatchObject({ name: 'StorageGone' });
    // Nobody but us may end it otherwise: the body's own mistakes stay what they are.
    const mistaken = store.rows.read(async (tx) => {
      await tx.value('a');
      throw new RangeError('on purpose');
    });
    await expect(mistaken).rejects.toThrow(RangeError);
    await store.close();
  }
});

test("CAP36 the worker's own memory goes on, empty, after the browser emptied the site under a read or a change", async () => {
  const memory = createMetaStore(`cut off ${names++}`);
  await memory.update('a', () => 'before');
  emptyUnnoticed();
  const waits = [memory.get('a'), memory.update('b', (value) => [value, 'after'])];
  await pause();
  tellClosed();
  expect(await waits[0]).toBeUndefined();
  await waits[1];
  expect(await memory.get('b')).toEqual([undefined, 'after']);
});

test("CAP36 a change of the worker's memory that the browser aborts as it empties the site is made anew", async () => {
  const memory = createMetaStore(`cut off ${names++}`);
  await memory.get('a');
  let calls = 0;
  await memory.update('a', (value) => {
    // Once the value was put.
    if (calls++ === 0) queueMicrotask(() => begun.at(-1)?._abort(null));
    return [value, calls];
  });
  expect(await memory.get('a')).toEqual([undefined, 2]);
});

/** What Firefox answers to an opening while it empties the site, and for ever on a profile that is broken. */
function refuseOpenings(times: number): { readonly count: () => number } {
  const { open } = FakeFactory.prototype;
  const opening = vi.spyOn(FakeFactory.prototype, 'open').mockImplementation(function refuse(
    this: IDBFactory,
    ...asked
  ) {
    if (opening.mock.calls.length > times) return open.apply(this, asked);
    const request = new FakeOpening() as { -readonly [K in keyof IDBOpenDBRequest]: IDBOpenDBRequest[K] };
    queueMicrotask(() => {
      request.readyState = 'done';
      request.error = new DOMException('The operation failed', 'UnknownError');
      request.dispatchEvent(new FakeEvent('error'));
    });
    return request;
  });
  onTestFinished(() => opening.mockRestore());
  return { count: () => opening.mock.calls.length };
}

test('CAP36 a database that Firefox refuses to open while it empties the site is opened a moment later', async () => {
  refuseOpenings(3);
  const store = await open();
  expect(await store.rows.read((tx) => tx.value('a'))).toBeUndefined();
});

test('CAP36 LOG19 a database that can never be opened is given up soon, with the error of the browser', async () => {
  const openings = refuseOpenings(Infinity);
  const begun = Date.now();
  await expect(open()).rejects.toMatchObject({ name: 'UnknownError' });
  expect(openings.count()).toBe(10);
  expect(Date.now() - begun).toBeLessThan(2_000);
});
