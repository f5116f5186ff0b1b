import { expect, test } from 'vitest';
import { appendOnce } from '../../../core/engine/append-once.ts';
import { openIndexedDbStore } from '../../../sw/storage/indexeddb-store.ts';
import { openReplica } from '../../support/node-replica.ts';
import { imageOf, newName, opsOf, tear } from './tear.ts';

const put = (key: string) => [{ writes: [{ key, value: key }] }];

test('LOG21 CAP30 an attempt of which a power cut took the entry is made when it is asked for again, and once', async () => {
  const name = newName();
  const { rows, views } = await openIndexedDbStore(name);
  const replica = await openReplica({ rows, views });
  await replica.append(put('a'));
  const before = await imageOf(name);
  const ops = await opsOf(() => appendOnce(replica, 'attempt', put('b')));
  const more = await opsOf(() => replica.append(put('c')));
  await replica.close();
  for (const after of [[], more]) {
    for (let first = 0; first <= ops.length; first++) {
      const store = await tear(before, [...ops.slice(first), ...after], 0);
      const again = await openReplica({ rows: store.rows, views: store.views });
      for (let times = 0; times < 2; times++) await appendOnce(again, 'attempt', put('b'));
      const shown = (await again.view.items('')).map(({ key, live }) => `${key}${live.length}`).toSorted();
      expect(shown, `without the first ${first} of ${ops.length}`).toEqual(
        after === more ? ['a1', 'b1', 'c1'] : ['a1', 'b1'],
      );
      const log = again.ownLog() ?? '';
      expect((await again.store.head(log))?.sequence).toBeLessThan(5);
      await again.close();
    }
  }
});
