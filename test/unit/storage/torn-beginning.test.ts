import 'fake-indexeddb/auto';
import { expect, test } from 'vitest';
import { openIndexedDbStore } from '../../../sw/storage/indexeddb-store.ts';
import { openReplica } from '../../support/node-replica.ts';

test('LOG21 a log of which a power cut took the very beginning: the device starts, and what is left goes on in a new log', async () => {
  const { rows, views, close } = await openIndexedDbStore('a torn beginning');
  const replica = await openReplica({ rows, views });
  for (const key of ['a', 'b']) await replica.append([{ writes: [{ key, value: 1 }] }]);
  const log = replica.ownLog() ?? '';
  await rows.write('strict', (tx) => tx.deleteRun(log, 0));
  const again = await openReplica({ rows, views });
  expect(await again.store.head(log)).toBeUndefined();
  await again.append([{ writes: [{ key: 'c', value: 1 }] }]);
  expect((await again.view.items('')).map(({ key }) => key)).toEqual(['b', 'c']);
  await close();
});
