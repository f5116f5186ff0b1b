import { expect, test } from 'vitest';

import { createCollection } from '../../../client/collection.ts';
import { createLiveItem, createLiveList } from '../../../client/engine/live-query.ts';
import { createListeners } from '../../../client/engine/listeners.ts';
import type { Change, PageEngine } from '../../../client/engine/page-engine.ts';
import type { PageItem } from '../../../core/protocol/page-messages.ts';

/** Items in memory; counts the reads. */
function createSource(): Pick<PageEngine, 'follow' | 'item' | 'items'> & {
  readonly put: (key: string, version: string, change?: Partial<PageItem>) => void;
  readonly tell: (change: Change) => void;
  readonly reads: string[];
  readonly followers: () => number;
  fail: boolean;
} {
  const items = new Map<string, PageItem>();
  const changes = createListeners<Change>();
  const reads: string[] = [];
  const source = {
    reads,
    fail: false,
    follow: changes.follow,
    followers: changes.count,
    tell: changes.tell,
    put(key: string, version: string, change: Partial<PageItem> = {}) {
      const created = items.get(key)?.created ?? String(items.size).padStart(4, '0');
      items.set(key, {
        key,
        value: version,
        deleted: false,
        ids: [version],
        conflict: false,
        incomplete: false,
        unsent: false,
        created,
        ...change,
      });
    },
    item(key: string) {
      reads.push(key);
      return source.fail
        ? Promise.reject(new Error('no worker'))
        : Promise.resolve(structuredClone(items.get(key) ?? null));
    },
    items(prefix: string) {
      reads.push(`${prefix}*`);
      if (source.fail) return Promise.reject(new Error('no worker'));
      const present = [...items.values()].filter((item) => item.key.startsWith(prefix) && !item.deleted);
      return Promise.resolve(structuredClone(present));
    },
  };
  return source;
}

const values = (items: readonly PageItem[] | undefined): unknown => items?.map(({ value }) => value);

test('PAGE4 subscribe tells the present value at once and each change; getSnapshot keeps its identity until one', async () => {
  const source = createSource();
  source.put('t/1', 'a');
  const list = createLiveList(source, 't/');
  const told: unknown[] = [];
  const stop = list.subscribe((items) => told.push(values(items)));
  expect(told).toEqual([undefined]);
  await expect.poll(() => told).toEqual([undefined, ['a']]);
  const snapshot = list.getSnapshot();
  source.tell({ keys: 'all' });
  await expect.poll(() => source.reads).toEqual(['t/*', 't/*']);
  await Promise.resolve();
  expect(list.getSnapshot()).toBe(snapshot);
  expect(told).toHaveLength(2);
  stop();
  expect(source.followers()).toBe(0);
});

test('PAGE3 a hint reads the keys that it names, nothing else; unchanged items stay the same objects', async () => {
  const source = createSource();
  for (const id of ['1', '2', '3']) source.put(`t/${id}`, `v${id}`);
  const list = createLiveList(source, 't/');
  list.subscribe(() => {});
  await expect.poll(() => list.getSnapshot()?.length).toBe(3);
  const before = list.getSnapshot();
  source.put('t/2', 'new');
  source.put('t/4', 'v4');
  source.put('t/1', 'gone', { deleted: true });
  source.tell({ keys: ['t/2', 't/4', 't/1', 'other/9'], origin: 'own' });
  await expect.poll(() => values(list.getSnapshot())).toEqual(['new', 'v3', 'v4']);
  expect(source.reads).toEqual(['t/*', 't/2', 't/4', 't/1']);
  expect(list.getSnapshot()?.[1]).toBe(before?.[2]);
});

test('PAGE4 items without version ids, as a server lists them, are never taken for unchanged', async () => {
  const source = createSource();
  source.put('t/1', 'a', { ids: [] });
  const list = createLiveList(source, 't/');
  list.subscribe(() => {});
  await expect.poll(() => values(list.getSnapshot())).toEqual(['a']);
  source.put('t/1', 'b', { ids: [] });
  source.tell({ keys: 'all' });
  await expect.poll(() => values(list.getSnapshot())).toEqual(['b']);
});

test('PAGE3 many hints while a read is under way become one more read', async () => {
  const source = createSource();
  const list = createLiveList(source, 't/');
  list.subscribe(() => {});
  for (let i = 0; i < 40; i++) {
    source.put(`t/${i}`, `v${i}`);
    source.tell({ keys: [`t/${i}`], origin: 'remote' });
  }
  await expect.poll(() => list.getSnapshot()?.length).toBe(40);
  expect(source.reads).toEqual(['t/*', 't/*']);
});

test('PAGE3 items that come with a hint are shown at once and without a read', async () => {
  const source = createSource();
  for (const id of ['1', '2', '3']) source.put(`t/${id}`, `v${id}`);
  const list = createLiveList(source, 't/');
  const one = createLiveItem(source, 't/2');
  list.subscribe(() => {});
  one.subscribe(() => {});
  await expect.poll(() => [list.getSnapshot()?.length, one.getSnapshot()?.value]).toEqual([3, 'v2']);
  const before = list.getSnapshot();
  source.put('t/2', 'new');
  source.put('t/4', 'v4');
  source.put('t/1', 'gone', { deleted: true });
  source.put('other/9', 'not in the list');
  const keys = ['t/2', 't/4', 't/1', 'other/9'];
  const items = (await Promise.all(keys.map((key) => source.item(key)))).filter((item) => item !== null);
  source.reads.length = 0;
  source.tell({ keys, origin: 'own', items });
  expect(values(list.getSnapshot())).toEqual(['new', 'v3', 'v4']);
  expect(list.getSnapshot()?.[1]).toBe(before?.[2]);
  expect(one.getSnapshot()?.value).toBe('new');
  const shown = list.getSnapshot();
  source.tell({ keys: ['other/9'], origin: 'own', items: items.slice(3) });
  expect(list.getSnapshot()).toBe(shown);
  expect(source.reads).toEqual([]);
});

test('PAGE3 items that come while a read is under way may be older than it: they are read again', async () => {
  const source = createSource();
  source.put('t/1', 'a');
  const list = createLiveList(source, 't/');
  list.subscribe(() => {});
  await expect.poll(() => values(list.getSnapshot())).toEqual(['a']);
  const older = await source.item('t/1');
  source.put('t/1', 'b');
  source.tell({ keys: 'all' });
  source.tell({ keys: ['t/1'], origin: 'remote', items: older === null ? [] : [older] });
  await expect.poll(() => source.reads.at(-1)).toBe('t/1');
  await expect.poll(() => values(list.getSnapshot())).toEqual(['b']);
});

test('PAGE3 a read that fails leaves what is shown, and the next hint reads all of it', async () => {
  const source = createSource();
  source.put('t/1', 'a');
  const list = createLiveList(source, 't/');
  list.subscribe(() => {});
  await expect.poll(() => values(list.getSnapshot())).toEqual(['a']);
  source.fail = true;
  source.put('t/1', 'b');
  source.tell({ keys: ['t/1'], origin: 'remote' });
  await expect.poll(() => source.reads.length).toBe(2);
  expect(values(list.getSnapshot())).toEqual(['a']);
  source.fail = false;
  source.tell({ keys: ['t/2'], origin: 'remote' });
  await expect.poll(() => values(list.getSnapshot())).toEqual(['b']);
});

test('PAGE4 a collection shows the same objects for the same items and can be followed again after a pause', async () => {
  const source = createSource();
  source.put('/api/t/1', 'a');
  const collection = createCollection(source as unknown as PageEngine, '/api/t', () =>
    Promise.reject(new Error('unused')),
  );
  const stop = collection.subscribe(() => {});
  await expect
    .poll(() => collection.getSnapshot())
    .toMatchObject([{ id: '1', value: 'a', unsent: false, versions: ['a'] }]);
  const [first] = collection.getSnapshot() ?? [];
  stop();
  source.put('/api/t/2', 'b');
  collection.subscribe(() => {});
  await expect.poll(() => collection.getSnapshot()?.map(({ value }) => value)).toEqual(['a', 'b']);
  expect(collection.getSnapshot()?.[0]).toBe(first);
});

test('PAGE4 one item as a live query: undefined, null, value, null again', async () => {
  const source = createSource();
  const item = createLiveItem(source, 't/1');
  const told: unknown[] = [];
  item.subscribe((value) => told.push(value?.value ?? value));
  await expect.poll(() => told).toEqual([undefined, null]);
  source.put('t/1', 'a');
  source.tell({ keys: ['t/1'], origin: 'own' });
  await expect.poll(() => told).toEqual([undefined, null, 'a']);
  source.put('t/1', 'gone', { deleted: true });
  source.tell({ keys: ['t/1'], origin: 'own' });
  await expect.poll(() => told).toEqual([undefined, null, 'a', null]);
});
