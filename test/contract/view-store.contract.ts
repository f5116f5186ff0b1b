import type { StoredView, ViewStore } from '../../core/views/view-store.ts';
import { check, checkEqual } from './check.ts';
import type { ContractCase } from './contract.ts';
import { contractCase } from './contract.ts';

const NAME = 'items@1';

function texts(entries: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  return new Map(Object.entries(entries));
}

async function opened(views: ViewStore, name = NAME): Promise<StoredView | undefined> {
  const view = await views.open(name);
  return view && { checkpoint: view.checkpoint, shards: view.shards.toSorted((a, b) => (a < b ? -1 : 1)) };
}

export const VIEW_STORE_CASES: readonly ContractCase[] = [
  contractCase(
    'VIEW2 shards and checkpoint of a commit are there together, also after the store was opened again',
    async (t) => {
      const views = await t.openViews();
      checkEqual(await opened(views), undefined, 'a view that does not exist');
      checkEqual(await views.shards(NAME, ['a']), [undefined], 'a shard that does not exist');
      const put = texts({ a: 'A', b: 'ü 漢 😀 "\n', 'c 漢': '' });
      checkEqual(
        await views.commit(NAME, { expected: undefined, checkpoint: '1', put, remove: [] }),
        true,
        'the first commit',
      );
      const change = { expected: '1', checkpoint: '2', put: texts({ a: 'A2', d: 'D' }), remove: ['b', 'never there'] };
      checkEqual(await views.commit(NAME, change), true, 'the second commit');
      const again = await t.openViews();
      checkEqual(await opened(again), { checkpoint: '2', shards: ['a', 'c 漢', 'd'] }, 'the view');
      checkEqual(
        await again.shards(NAME, ['d', 'b', 'a', 'c 漢', 'a']),
        ['D', undefined, 'A2', '', 'A2'],
        'shards in the order asked',
      );
    },
  ),
  contractCase(
    'VIEW2 a commit that does not start from the stored checkpoint changes nothing: of two at once one wins',
    async (t) => {
      const [views, others] = [await t.openViews(), await t.openViews()];
      const change = { checkpoint: 'x', put: texts({ a: 'x' }), remove: [] };
      checkEqual(await views.commit(NAME, { ...change, expected: 'never' }), false, 'a commit on a missing view');
      checkEqual(await opened(views), undefined, 'the view');
      for (let round = 0; round < 5; round++) {
        const expected = (await views.open(NAME))?.checkpoint;
        const both = await Promise.all(
          [views, others].map((store, i) =>
            store.commit(NAME, {
              expected,
              checkpoint: `${round}/${i}`,
              put: texts({ a: `${round}/${i}` }),
              remove: [],
            }),
          ),
        );
        checkEqual(both.filter(Boolean).length, 1, 'how many commits went through');
        const winner = `${round}/${both.indexOf(true)}`;
        checkEqual(
          [await opened(others), await others.shards(NAME, ['a'])],
          [{ checkpoint: winner, shards: ['a'] }, [winner]],
          'what is stored',
        );
      }
    },
  ),
  contractCase(
    'VIEW2 LOG20 shards and checkpoints of any size, of one-byte and two-byte characters, are read back whole and shrink again',
    async (t) => {
      const views = await t.openViews();
      let expected: string | undefined;
      for (const length of [49_151, 49_153, 24_577, 200_000, 10, 1_000_000, 0]) {
        const [latin, wide] = ['é'.repeat(length), 'x漢😀'.repeat(length / 4)];
        const checkpoint = `${length} ${latin}`;
        check(
          await views.commit(NAME, { expected, checkpoint, put: texts({ latin, wide }), remove: [] }),
          `a commit of ${length}`,
        );
        checkEqual(await views.shards(NAME, ['latin', 'wide']), [latin, wide], `shards of ${length} characters`);
        checkEqual(
          await opened(views),
          { checkpoint, shards: ['latin', 'wide'] },
          `a checkpoint of ${length} characters`,
        );
        expected = checkpoint;
      }
    },
  ),
  contractCase('VIEW2 a dropped view leaves nothing behind, and the others alone', async (t) => {
    const views = await t.openViews();
    for (const name of ['items', 'items@1', 'items@2']) {
      await views.commit(name, {
        expected: undefined,
        checkpoint: name,
        put: texts({ a: name, b: 'x'.repeat(150_000) }),
        remove: [],
      });
    }
    await views.drop('items@1');
    await views.drop('never there');
    checkEqual(
      [await opened(views, 'items@1'), await views.shards('items@1', ['a', 'b'])],
      [undefined, [undefined, undefined]],
      'the dropped view',
    );
    for (const name of ['items', 'items@2']) {
      checkEqual(
        [await opened(views, name), await views.shards(name, ['a'])],
        [{ checkpoint: name, shards: ['a', 'b'] }, [name]],
        name,
      );
    }
    checkEqual(
      await views.commit('items@1', { expected: undefined, checkpoint: 'new', put: texts({ c: 'C' }), remove: [] }),
      true,
      'the same view anew',
    );
    checkEqual(await opened(views, 'items@1'), { checkpoint: 'new', shards: ['c'] }, 'the new one');
  }),
  contractCase('VIEW2 200 shards, written and read at once; appends to the log go on meanwhile', async (t) => {
    const [views, store, log] = [await t.openViews(), await t.open(), await t.createLog()];
    const names = Array.from({ length: 200 }, (_, i) => `shard ${i}`);
    const put = new Map(names.map((name, i) => [name, `${name} `.repeat(i)]));
    const [committed] = await Promise.all([
      views.commit(NAME, { expected: undefined, checkpoint: 'all', put, remove: [] }),
      store.merge([await log.append()]),
    ]);
    check(committed, 'the commit');
    checkEqual((await opened(views))?.shards.length, 200, 'the number of shards');
    checkEqual(
      await views.shards(NAME, names.toReversed()),
      names.toReversed().map((name) => put.get(name)),
      'all shards',
    );
  }),
];
