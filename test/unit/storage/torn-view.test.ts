import { describe, expect, test } from 'vitest';
import type { IndexedDbStore } from '../../../sw/storage/indexeddb-store.ts';
import { openIndexedDbStore } from '../../../sw/storage/indexeddb-store.ts';
import { openReplica } from '../../support/node-replica.ts';
import { imageOf, newName, opsOf, tear } from './tear.ts';

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

  test('VIEW2 LOG20 two checkpoints in pieces that differ only behind their first one are told apart', async () => {
    const name = newName();
    const { views, close } = await openIndexedDbStore(name);
    const [old, fresh] = [`${'1'.repeat(100_000)}2`, `${'1'.repeat(100_000)}3`];
    await views.commit(VIEW, { expected: undefined, checkpoint: old, put: texts({ a: old }), remove: [] });
    const before = await imageOf(name);
    const ops = await opsOf(() =>
      views.commit(VIEW, { expected: old, checkpoint: fresh, put: texts({ a: fresh, b: 'B' }), remove: [] }),
    );
    await close();
    // The last write alone changes nothing.
    for (let first = 1; first < ops.length - 1; first++) {
      expect(await shownBy(await tear(before, ops, first)), `without the first ${first} of ${ops.length}`).toBe('torn');
    }
    expect(await shownBy(await tear(before, ops, ops.length - 1))).toEqual({ a: old });
  });

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
