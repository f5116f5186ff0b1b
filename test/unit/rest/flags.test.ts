import { expect, test } from 'vitest';
import type { Replica } from '../../../core/engine/replica.ts';
import { encodeRun } from '../../../core/log/run-codec.ts';
import type { ServingReplica } from '../../support/node-replica.ts';
import { callerOf, createDisk, openReplica } from './test-collection.ts';

/** Brings everything of one replica to another, as a sync would. */
async function copy(from: ServingReplica, to: Replica): Promise<void> {
  const { runs } = await from.store.after(0);
  const verdicts = await to.merge(runs.map((run) => encodeRun(run)));
  expect(verdicts.every(({ kind }) => kind === 'accepted' || kind === 'duplicate')).toBe(true);
}

test('CAP27 Wakelog-Queued flags what no server has acknowledged, on answers, items and lists', async () => {
  const replica = await openReplica(createDisk());
  let acknowledged = -1;
  const call = callerOf(replica, {
    isQueued: async ({ log, sequence }) => log === replica.ownLog() && sequence > acknowledged,
  });
  expect((await call('PUT', '/api/tasks/a', {})).headers['wakelog-queued']).toBe('true');
  expect((await call('GET', '/api/tasks')).headers['wakelog-queued']).toBe('true');
  acknowledged = 1;
  expect((await call('GET', '/api/tasks/a')).headers['wakelog-queued']).toBeUndefined();
  expect((await call('GET', '/api/tasks')).headers['wakelog-queued']).toBeUndefined();
  expect((await call('PUT', '/api/tasks/b', {})).headers['wakelog-queued']).toBe('true');
  expect((await call('GET', '/api/tasks/a')).headers['wakelog-queued']).toBeUndefined();
  expect((await call('GET', '/api/tasks')).headers['wakelog-queued']).toBe('true');
  expect((await callerOf(replica)('GET', '/api/tasks')).headers['wakelog-queued']).toBeUndefined();
});

test('CAP28 concurrent writes are flagged; a write that quotes the ETag resolves them, one that does not leaves them', async () => {
  const [ada, bob] = [await openReplica(createDisk(), 'ada'), await openReplica(createDisk(), 'bob')];
  await callerOf(ada)('PUT', '/api/tasks/a', { by: 'ada' });
  await callerOf(bob)('PUT', '/api/tasks/a', { by: 'bob' });
  await copy(bob, ada);
  const call = callerOf(ada);
  const read = await call('GET', '/api/tasks/a');
  expect(read.headers['wakelog-conflict']).toBe('true');
  expect(read.headers['etag']).toMatch(/^"[\w-]{43},[\w-]{43}"$/);
  expect((await call('GET', '/api/tasks')).headers['wakelog-conflict']).toBe('true');

  const over = await call('PUT', '/api/tasks/a', { by: 'nobody' });
  expect(over).toMatchObject({ status: 200, headers: { 'wakelog-conflict': 'true' } });
  expect((await call('PUT', '/api/tasks/a', {}, { 'if-match': read.headers['etag'] ?? '' })).status).toBe(412);
  const resolved = await call('PUT', '/api/tasks/a', { by: 'both' }, { 'if-match': over.headers['etag'] ?? '' });
  expect(resolved.status).toBe(200);
  expect(resolved.headers['wakelog-conflict']).toBeUndefined();
  expect(resolved.headers['etag']).toMatch(/^"[\w-]{43}"$/);
  expect(ada.view.conflicted()).toEqual([]);
  expect(await ada.view.collisions()).toHaveLength(1);
});

test('CAP28 a deletion beside a concurrent write shows as missing and stays a conflict', async () => {
  const [ada, bob] = [await openReplica(createDisk(), 'ada'), await openReplica(createDisk(), 'bob')];
  await callerOf(ada)('PUT', '/api/tasks/a', { n: 1 });
  await copy(ada, bob);
  await callerOf(bob)('PUT', '/api/tasks/a', { n: 2 });
  // Writes between let the deletion's lamport counter be the greater one: it is what is displayed.
  for (const n of [1, 2, 3]) await callerOf(ada)('PUT', '/api/tasks/b', { n });
  await callerOf(ada)('DELETE', '/api/tasks/a');
  await copy(bob, ada);
  expect(await callerOf(ada)('GET', '/api/tasks/a')).toMatchObject({
    status: 404,
    headers: { 'wakelog-conflict': 'true' },
  });
  expect((await callerOf(ada)('GET', '/api/tasks')).json).toEqual([{ n: 3, id: 'b' }]);
});
