import { deleteDB, openDB, unwrap } from 'idb';
import type { IDBPDatabase } from 'idb';
import { expect, test } from 'vitest';
import { openIndexedDbStore } from '../../../sw/storage/indexeddb-store.ts';
import type { SimRandom } from '../world/random.ts';
import type { TestBrowser } from './test-browser.ts';
import { createTestBrowser } from './test-browser.ts';

function open(onClose?: () => void): Promise<IDBPDatabase> {
  return openDB('one', 1, {
    upgrade: (db) => void ['a', 'b'].map((store) => db.createObjectStore(store)),
    ...(onClose === undefined ? {} : { terminated: onClose }),
  });
}

function readAll({ run }: TestBrowser, store = 'a'): Promise<unknown[]> {
  return run(async () => (await open()).getAll(store));
}

async function rejection(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'nothing',
    (error: unknown) => (error as Error).name,
  );
}

test('S1.1 a transaction of a program that dies is undone, with commit() called now and then not, and others waiting go on', async () => {
  const kept = { asked: 0, unasked: 0 };
  for (let seed = 0; seed < 80; seed++) {
    const browser = createTestBrowser(seed);
    const { start, run, pass, world } = browser;
    await run(async () => void (await open()));
    const asks = seed % 2 === 0;
    let heard = 0;
    const at = { begun: false };
    const dying = start(async () => {
      const tx = (await open()).transaction('a', 'readwrite');
      for (let i = 0; i < 10; i++)
        void tx.store.put(i, i).then(
          () => (heard += 1),
          () => undefined,
        );
      if (asks) tx.commit();
      at.begun = true;
      void tx.done.catch(() => undefined);
    });
    let seen: number | undefined;
    start(async () => {
      const database = await open();
      while (!at.begun) await database.count('b');
      await database.put('a', 'behind it', 'key');
      seen = await database.count('a');
    });
    while (!at.begun) await pass(0.1);
    await pass(world.random.between(0, 1.5));
    const before = heard;
    world.kill(dying);
    await pass(1_000);
    expect(heard).toBe(before);
    expect([1, 11]).toContain(seen);
    if (seen === 11) kept[asks ? 'asked' : 'unasked'] += 1;
  }
  expect(kept.unasked).toBe(0);
  expect(kept.asked).toBeGreaterThan(5);
  expect(kept.asked).toBeLessThan(35);
});

test('S1.1 connections of a dead program stand in nobody’s way, wherever in its opening it died', async () => {
  for (let seed = 0; seed < 60; seed++) {
    const { start, run, pass, world } = createTestBrowser(seed);
    const dying = start(open);
    await pass(world.random.between(0, 3));
    world.kill(dying);
    const version = await run(async () => (await openDB('one', 2)).version);
    expect(version).toBe(2);
    await run(() => deleteDB('one'));
  }
});

test('S1.1 a program that closed is waited for no longer than its own transactions, and a deletion or upgrade waits for all', async () => {
  const { start, run, pass } = createTestBrowser(3);
  const events: string[] = [];
  start(async () => {
    const database = await openDB('one', 1, {
      upgrade: (db) => void db.createObjectStore('a'),
      blocking: () => events.push('asked'),
    });
    await new Promise((resolve) => setTimeout(resolve, 500));
    const last = database.put('a', 1, 1);
    database.close();
    await last;
    events.push('written');
  });
  await pass(50);
  await run(async () => {
    await deleteDB('one', { blocked: () => events.push('blocked') });
    events.push('deleted');
  });
  expect(events).toEqual(['asked', 'blocked', 'written', 'deleted']);
});

test('S1.1 an upgrade waits for a connection that stays open without asking again, and goes on once it is closed', async () => {
  const { start, run, pass, world } = createTestBrowser(4);
  start(async () => {
    const database = await open();
    await new Promise((resolve) => setTimeout(resolve, 10_000));
    database.close();
  });
  await pass(50);
  const before = world.events();
  let blocked = 0;
  const version = await run(async () => (await openDB('one', 2, { blocked: () => (blocked += 1) })).version);
  expect([version, blocked]).toEqual([2, 1]);
  expect(world.now()).toBeGreaterThan(10_000);
  expect(world.events() - before).toBeLessThan(20);
});

test('LOG19 emptying the origin ends connections and what they do, tells them, and leaves nothing, at any moment', async () => {
  const outcomes = new Set<string>();
  for (let seed = 0; seed < 60; seed++) {
    const { disk, start, run, pass, world } = createTestBrowser(seed);
    await run(async () => (await openIndexedDbStore('one')).close());
    let gone = 0;
    let outcome = '';
    start(async () => {
      try {
        const store = await openIndexedDbStore('one', { onGone: () => (gone += 1) });
        for (let i = 0; i < 1_000; i++) await store.rows.write('strict', (tx) => tx.putValue('kept', `${i}`));
        outcome = 'it did not notice';
      } catch (error) {
        outcome = (error as Error).name;
      }
    });
    await pass(world.random.between(0, 12));
    disk.evict();
    expect(disk.usedBytes()).toBe(0);
    await pass(60_000);
    outcomes.add(`${outcome} ${gone}`);
    const found = await run(async () => {
      const store = await openIndexedDbStore('two');
      return [await store.rows.read((tx) => tx.value('kept')), (await indexedDB.databases()).map(({ name }) => name)];
    });
    // One that was only being opened is opened again, empty.
    expect(found).toEqual([
      undefined,
      outcome === 'it did not notice' ? expect.arrayContaining(['one', 'two']) : ['two'],
    ]);
  }
  // A write that it meets fails before `close` is told, as in Chromium.
  const possible = ['StorageGone 1', 'it did not notice 0'];
  expect([...outcomes].toSorted()).toEqual(possible);
});

test('LOG19 an upgrade that meets the emptying of the origin is aborted, or its connection told', async () => {
  const outcomes = new Set<string>();
  for (let seed = 0; seed < 40; seed++) {
    const { disk, start, run, pass, world } = createTestBrowser(seed);
    let outcome = 'it hangs';
    start(async () => {
      outcome = await openDB('one', 1, {
        upgrade(db, _oldVersion, _newVersion, tx) {
          db.createObjectStore('a');
          tx.done.catch(() => undefined);
        },
        terminated: () => (outcome = 'told'),
      }).then(
        () => 'opened',
        (error: unknown) => (error as Error).name,
      );
    });
    await pass(world.random.between(0, 3));
    disk.evict();
    await pass(1_000);
    outcomes.add(outcome);
    const names = await run(async () => (await indexedDB.databases()).map(({ name }) => name));
    expect(names).toEqual(outcome === 'opened' ? ['one'] : []);
  }
  expect([...outcomes].toSorted()).toEqual(['AbortError', 'opened', 'told']);
});

test('LOG19 an upgrade that waits for a connection while the origin is emptied is aborted, and can be made anew', async () => {
  const { disk, start, run, pass } = createTestBrowser(7);
  const events: string[] = [];
  start(() => open(() => events.push('told')));
  await pass(50);
  start(async () => {
    const upgrade = openDB('one', 2, { upgrade: (_db, _old, _new, tx) => void tx.done.catch(() => undefined) });
    events.push(await rejection(upgrade));
  });
  await pass(50);
  expect(events).toEqual([]);
  disk.evict();
  await pass(50);
  expect(events).toEqual(['told', 'AbortError']);
  expect(disk.volatile()).toBe(0);
  expect(await run(async () => (await indexedDB.databases()).length)).toBe(0);
  expect(await run(async () => (await openDB('one', 2)).version)).toBe(2);
});

test('S1.1 transactions that share a store run in the order in which they were begun, also behind one that waits', async () => {
  for (let seed = 0; seed < 10; seed++) {
    const seen = await createTestBrowser(seed).run(async () => {
      const [database, other] = [await open(), await open()];
      const first = database.transaction('a', 'readwrite');
      const counting = (async () => {
        for (let i = 1; i <= 5; i++) await first.store.put(((await first.store.get(1)) ?? 0) + 1, 1);
      })();
      const second = other.transaction(['a', 'b'], 'readwrite');
      void second.objectStore('b').put('nothing yet', 1);
      void second
        .objectStore('a')
        .get(1)
        .then((count: unknown) => second.objectStore('b').put(count, 1));
      await counting;
      return database.get('b', 1);
    });
    expect(seen).toBe(5);
  }
});

test('S1.1 a deletion that was asked for but not begun when the power was cut never comes', async () => {
  const { disk, start, run, pass, world } = createTestBrowser(2);
  await run(async () => (await open()).put('a', 'there', 1));
  await pass(60_000);
  const asking = start(() => deleteDB('one'));
  world.kill(asking);
  disk.powerCut();
  await pass(1_000);
  expect(await run(async () => (await open()).get('a', 1))).toBe('there');
});

test('LOG18 without room a transaction that puts fails as a whole at its end; what only deletes has room', async () => {
  const browser = createTestBrowser(5);
  const { disk, run } = browser;
  await run(async () => {
    const database = await open();
    await database.put('a', new Uint8Array(10_000), 1);
    disk.setQuota(15_000);
    const tx = database.transaction('a', 'readwrite');
    const put = tx.store.put(new Uint8Array(10_000), 2);
    expect(await put).toBe(2);
    expect(await rejection(tx.done)).toBe('QuotaExceededError');
    expect(tx.error?.name).toBe('QuotaExceededError');
    await database.put('a', new Uint8Array(4_000), 3);
    disk.setQuota(100);
    expect(await rejection(database.put('a', 1, 4))).toBe('QuotaExceededError');
    await database.delete('a', 1);
    disk.setQuota(undefined);
    await database.put('a', new Uint8Array(10_000), 2);
  });
  expect(((await readAll(browser)) as Uint8Array[]).map(({ length }) => length)).toEqual([10_000, 4_000]);
  expect(disk.usedBytes()).toBe(14_016);
});

test('LOG13 the nth storage call fails, whichever it is, its transaction with it; every call site is named', async () => {
  const write = async (): Promise<void> => {
    const database = await open();
    const tx = database.transaction(['a', 'b'], 'readwrite', { durability: 'strict' });
    const requests = [tx.objectStore('a').put('x', 1), tx.objectStore('b').delete(1), tx.objectStore('a').get(1)];
    const outcomes = await Promise.allSettled([tx.done, ...requests]);
    const errors = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as Error] : []));
    // What fails only because something else did is told a mere AbortError.
    const error = errors.find(({ name }) => name !== 'AbortError') ?? errors[0];
    if (error !== undefined) throw error;
  };
  const clean = createTestBrowser(1);
  await clean.run(open);
  const before = clean.disk.calls();
  await clean.run(write);
  const count = clean.disk.calls() - before;
  expect(count).toBe(6);
  expect([...clean.disk.callSites()]).toEqual([
    ['open', 2],
    ['begin versionchange of one', 1],
    ['commit versionchange of one', 1],
    ['begin readwrite strict a,b', 1],
    ['readwrite a.put', 1],
    ['readwrite b.delete', 1],
    ['readwrite a.get', 1],
    ['commit readwrite strict a,b', 1],
  ]);
  for (const kind of ['UnknownError', 'QuotaExceededError', 'AbortError'] as const) {
    for (let n = 1; n <= count + 1; n++) {
      const browser = createTestBrowser(n);
      await browser.run(open);
      browser.disk.failAfter(n, kind);
      const failure = await rejection(browser.run(write));
      // Only what writes finds no room: the put, and the commit.
      const told = kind === 'QuotaExceededError' && n !== 3 && n !== count ? 'UnknownError' : kind;
      expect(failure).toBe(n > count ? 'nothing' : told);
      expect(browser.disk.isArmed()).toBe(n > count);
      if (n > count) browser.disk.failAfter(1_000, kind);
      expect(await readAll(browser)).toEqual(n > count ? ['x'] : []);
    }
  }
});

test('LOG13 a transaction that is aborted by a request that failed, and by its program at that moment, is undone once', async () => {
  const browser = createTestBrowser(1);
  const { disk, run } = browser;
  const ended = await run(async () => {
    const database = await open();
    await database.put('a', 'there', 1);
    const tx = unwrap(database).transaction('a', 'readwrite');
    tx.objectStore('a').delete(1);
    disk.failAfter(1, 'UnknownError');
    const failing = tx.objectStore('a').get(1);
    failing.addEventListener('error', () => tx.abort());
    return new Promise((resolve) => tx.addEventListener('abort', () => resolve(tx.error)));
  });
  expect(ended).toBeNull();
  expect(await readAll(browser)).toEqual(['there']);
});

test('S1.2 a copy of a profile holds what was committed when it was made, and each goes on by itself', async () => {
  for (let seed = 0; seed < 20; seed++) {
    const browser = createTestBrowser(seed);
    const { disk, start, run, pass, world } = browser;
    const committed: number[] = [];
    await run(open);
    const writer = start(async () => {
      const database = await open();
      for (let i = 0; i < 100; i++) {
        const tx = database.transaction('a', 'readwrite');
        await tx.store.clear();
        for (let key = 0; key < 5; key++) await tx.store.put(i, key);
        await tx.done;
        committed.push(i);
      }
    });
    await pass(world.random.between(5, 40));
    const last = committed.at(-1) ?? -1;
    const copy = disk.clone('copy');
    const backup = disk.snapshot();
    const inCopy = await run(async () => (await open()).getAll('a'), copy);
    // A commit that is not told yet may be in it; a transaction never in part.
    expect([Array(5).fill(last), Array(5).fill(last + 1)]).toContainEqual(
      last === -1 && inCopy.length === 0 ? Array(5).fill(-1) : inCopy,
    );
    await run(async () => (await open()).put('a', 'the copy', 9), copy);
    expect(await run(async () => (await open()).get('a', 9))).toBeUndefined();
    world.kill(writer);
    await run(async () => (await open()).clear('a'));
    disk.restore(backup);
    expect(await readAll(browser)).toEqual(inCopy);
    expect(disk.powerCut()).toEqual({ lost: 0, kept: 0 });
    expect(await readAll(browser)).toEqual(inCopy);
  }
});

test('S1.1 a disk that stalls answers nobody for so long, and then everybody', async () => {
  const { disk, run, world } = createTestBrowser(1);
  await run(async () => {
    const database = await open();
    disk.stall(5_000);
    const [from, events] = [world.now(), world.events()];
    await database.put('a', 1, 1);
    expect(world.now() - from).toBeGreaterThanOrEqual(5_000);
    expect(world.events() - events).toBeLessThan(10);
    await database.put('a', 1, 1);
    expect(world.now() - from).toBeLessThan(5_100);
    const read = database.get('a', 1);
    disk.stall(5_000);
    await read;
    expect(world.now() - from).toBeGreaterThanOrEqual(10_000);
  });
});

test('S1.1 the machine is not cut off under a program that still runs', async () => {
  const { disk, start, pass } = createTestBrowser(1);
  start(open);
  await pass(100);
  expect(() => disk.powerCut()).toThrow('kill it first');
});

test('S1.1 each transaction begun is a step, the same seed gives the same trace, and another another', async () => {
  const traces = [];
  for (const seed of [1, 1, 2]) {
    const { run, world, disk } = createTestBrowser(seed);
    await run(async () => {
      const database = await open();
      const write = (random: SimRandom): Promise<unknown> => database.put('a', random.next(), random.int(5));
      await Promise.all(Array.from({ length: 20 }, (_, i) => write(world.random.fork(`${i}`))));
    });
    // The upgrade, and what all 20 began at once; the opening was asked for before the first event.
    expect(world.steps()).toBe(2);
    traces.push(`${world.traceHash()} ${disk.calls()}`);
  }
  expect(traces[0]).toBe(traces[1]);
  expect(traces[0]).not.toBe(traces[2]);
});
