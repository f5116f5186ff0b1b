import 'fake-indexeddb/auto';
import { expect, test } from 'vitest';
import { toBase64Url } from '../../../core/log/bytes.ts';
import { deleteIndexedDbStore, openIndexedDbStore } from '../../../sw/storage/indexeddb-store.ts';
import { copyAll, openReplica } from '../../support/node-replica.ts';
import { bytesOf } from '../log/test-writer.ts';

test('VIEW8: what an authority says of a place that cannot be stops no view and no writer', async () => {
  const [authority, database] = [await openReplica({ account: 'server' }), await openIndexedDbStore('odd statements')];
  const reader = await openReplica({ rows: database.rows });
  await reader.append([{ writes: [{ key: 'a', value: 1 }] }]);
  const log = reader.ownLog() ?? '';
  for (const sequence of [-1, 0.5, 2 ** 53, -1e300]) {
    const id = toBase64Url(bytesOf(`odd ${sequence}`));
    await authority.state([{ kind: 'refuse', log, sequence, id, code: 'forbidden', reason: 'odd' }]);
  }
  await reader.setAuthorities([authority.ownLog() ?? '']);
  await copyAll(authority, reader);
  await reader.append([{ writes: [{ key: 'a', value: 2 }] }]);
  expect((await reader.view.item('a'))?.live.map(({ value }) => value)).toEqual([2]);
  expect(reader.view.refused()).toEqual([]);
  await reader.close();
  await deleteIndexedDbStore('odd statements');
});
