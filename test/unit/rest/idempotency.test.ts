import { expect, test } from 'vitest';
import { callerOf, createDisk, openReplica } from './test-collection.ts';

const KEY = { 'idempotency-key': '7f6c2d1e-once' };

test('CAP26 S2.4 a double click with one Idempotency-Key makes one item and gets one answer twice', async () => {
  const replica = await openReplica(createDisk());
  const call = callerOf(replica);
  // A server may wrap the replica anew for each request.
  const wrapped = callerOf({ ...replica }, { newId: () => 'never' });
  const [first, second] = await Promise.all([
    call('POST', '/api/tasks', { title: 'a' }, KEY),
    wrapped('POST', '/api/tasks', { title: 'a' }, KEY),
  ]);
  expect(first).toMatchObject({ status: 201, headers: { location: '/api/tasks/new-0' } });
  expect(second).toEqual(first);
  expect((await call('GET', '/api/tasks')).json).toEqual([{ title: 'a', id: 'new-0' }]);
  expect((await replica.store.heads())[0]?.sequence).toBe(1);
});

test('CAP26 the first answer is given again after a restart, for every method', async () => {
  const disk = createDisk();
  const replica = await openReplica(disk);
  const before = callerOf(replica);
  const created = await before('POST', '/api/tasks', { n: 1 }, { 'idempotency-key': 'post' });
  const put = await before('PUT', '/api/tasks/p', { n: 1 }, { 'idempotency-key': 'put' });
  await before('PUT', '/api/tasks/q', { list: 1 });
  const patched = await before('PATCH', '/api/tasks/q', { more: 2 }, { 'idempotency-key': 'patch' });
  await before('PUT', '/api/tasks/r', {});
  const deleted = await before('DELETE', '/api/tasks/r', undefined, { 'idempotency-key': 'delete' });
  await replica.flush();

  const again = await openReplica(disk);
  const after = callerOf(again, { newId: () => 'never' });
  const head = (await again.store.heads())[0];
  expect(await after('POST', '/api/tasks', { n: 1 }, { 'idempotency-key': 'post' })).toEqual(created);
  expect(await after('PUT', '/api/tasks/p', { n: 1 }, { 'idempotency-key': 'put' })).toEqual(put);
  expect(put.status).toBe(201);
  expect(await after('PATCH', '/api/tasks/q', { more: 2 }, { 'idempotency-key': 'patch' })).toEqual(patched);
  expect(await after('DELETE', '/api/tasks/r', undefined, { 'idempotency-key': 'delete' })).toEqual(deleted);
  expect(deleted.status).toBe(204);
  expect((await again.store.heads())[0]).toEqual(head);
});

test('CAP26 an item changed or deleted meanwhile: the status of then, the item of now', async () => {
  const call = callerOf(await openReplica(createDisk()));
  await call('POST', '/api/tasks', { id: 'a', n: 1 }, KEY);
  await call('PUT', '/api/tasks/a', { n: 2 });
  const now = await call('GET', '/api/tasks/a');
  expect(await call('POST', '/api/tasks', { id: 'a', n: 1 }, KEY)).toMatchObject({
    status: 201,
    json: { n: 2, id: 'a' },
    headers: { etag: now.headers['etag'], location: '/api/tasks/a' },
  });
  await call('DELETE', '/api/tasks/a');
  expect(await call('POST', '/api/tasks', { id: 'a', n: 1 }, KEY)).toMatchObject({ status: 201, json: { id: 'a' } });
  expect((await call('GET', '/api/tasks/a')).status).toBe(404);
});

test('CAP26 a key used for another request is refused; a refused request is not remembered; accounts are apart', async () => {
  const replica = await openReplica(createDisk());
  const call = callerOf(replica);
  expect((await call('PUT', '/api/tasks/a', { n: 1 }, { ...KEY, 'if-match': '*' })).status).toBe(412);
  expect((await call('PUT', '/api/tasks/a', { n: 1 }, KEY)).status).toBe(201);
  expect((await call('DELETE', '/api/tasks/a', undefined, KEY)).status).toBe(400);
  expect((await call('PUT', '/api/tasks/b', { n: 1 }, KEY)).status).toBe(400);
  expect((await call('POST', '/api/tasks', { n: 1 }, KEY)).status).toBe(400);
  const other = callerOf(replica, { account: 'bob' });
  expect((await other('PUT', '/api/tasks/b', { n: 1 }, KEY)).status).toBe(201);
});

test('CAP26 a key of which nothing can be read was not used: the request is done, once', async () => {
  const replica = await openReplica(createDisk());
  const call = callerOf(replica);
  await call('POST', '/api/tasks', { id: 'a' }, KEY);
  const [name] = [...(await replica.store.valuesUnder('request:')).keys()];
  await replica.store.putValues({ [name ?? '']: '{"method":"POST","collection":"/api/tasks","id":"a","status":201}' });
  expect(await call('POST', '/api/tasks', { id: 'b' }, KEY)).toMatchObject({ status: 201, json: { id: 'b' } });
  expect(await call('POST', '/api/tasks', { id: 'b' }, KEY)).toMatchObject({ status: 201, json: { id: 'b' } });
  expect((await replica.store.heads())[0]?.sequence).toBe(2);
});

test('CAP26 two contexts of one device at once: one item, one answer', async () => {
  const disk = createDisk();
  const one = await openReplica(disk);
  await callerOf(one)('PUT', '/api/tasks/z', {});
  const two = await openReplica(disk);
  const answers = await Promise.all([
    callerOf(one, { newId: () => 'one' })('POST', '/api/tasks', { n: 1 }, KEY),
    callerOf(two, { newId: () => 'two' })('POST', '/api/tasks', { n: 1 }, KEY),
  ]);
  expect(answers[1].headers['location']).toBe(answers[0].headers['location']);
  await two.catchUp();
  expect((await callerOf(two)('GET', '/api/tasks')).json).toHaveLength(2);
});
