import { expect, test } from 'vitest';
import type { Replica } from '../../../core/engine/replica.ts';
import { openIndexedDbStore } from '../../../sw/storage/indexeddb-store.ts';
import { openReplica } from '../../support/node-replica.ts';
import { imageOf, newName, opsOf, tear } from './tear.ts';

const write = (replica: Replica, key: string) => replica.append([{ writes: [{ key, value: key }] }]);
const keysOf = async (replica: Replica): Promise<string[]> =>
  (await replica.view.items('')).map(({ key }) => key).toSorted();

test('LOG21 LOG3 an append that merges small rows and is torn takes no other entry: each is shown, found by its sequence, and read from any one on', async () => {
  const name = newName();
  const { rows, views } = await openIndexedDbStore(name);
  const replica = await openReplica({ rows, views });
  const keys: string[] = [];
  for (let i = 10; ; i++) {
    const before = await imageOf(name);
    const ops = await opsOf(() => write(replica, String(i)));
    // A row is deleted only when it is merged into another.
    const isMerge = ops.filter(({ store, kind }) => store === 'runs' && kind === 'delete').length > 10;
    if (!isMerge) {
      keys.push(String(i));
      continue;
    }
    await replica.close();
    for (let first = 0; first <= ops.length; first++) {
      const store = await tear(before, ops, first);
      const again = await openReplica({ rows: store.rows, views: store.views });
      const shown = await keysOf(again);
      expect(
        shown.filter((key) => key !== String(i)),
        `without the first ${first} of ${ops.length}`,
      ).toEqual(keys);
      await write(again, 'next');
      expect(await keysOf(again)).toEqual([...shown, 'next']);
      const log = again.ownLog() ?? '';
      const last = (await again.store.head(log))?.sequence ?? -1;
      for (let sequence = 0; sequence <= last; sequence++) {
        const [run] = await again.store.range(log, sequence, last, 0);
        expect(run?.first, `${sequence} without the first ${first} of ${ops.length}`).toBe(sequence);
        expect(await again.store.entryId(log, sequence)).toBeDefined();
      }
      await again.close();
    }
    return;
  }
});

test('LOG21 LOG20 an append of a large entry that is torn: the device starts, shows the others, and goes on', async () => {
  const name = newName();
  const { rows, views } = await openIndexedDbStore(name);
  const replica = await openReplica({ rows, views });
  await write(replica, 'a');
  const before = await imageOf(name);
  const ops = await opsOf(async () => {
    await replica.append([{ writes: [{ key: 'large', value: 'x'.repeat(150_000) }] }]);
    await write(replica, 'b');
  });
  await replica.close();
  for (let first = 0; first < ops.length; first++) {
    const store = await tear(before, ops, first);
    const again = await openReplica({ rows: store.rows, views: store.views });
    const shown = await keysOf(again);
    expect(shown.slice(0, 1), `without the first ${first} of ${ops.length}`).toEqual(['a']);
    await write(again, 'next');
    expect(await keysOf(again)).toEqual([...shown, 'next']);
    await again.close();
  }
});
