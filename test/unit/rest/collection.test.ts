import { expect, test } from 'vitest';
import { utf8 } from '../../../core/log/bytes.ts';
import { callerOf, createDisk, openReplica } from './test-collection.ts';

async function openCaller(): Promise<ReturnType<typeof callerOf>> {
  return callerOf(await openReplica(createDisk()));
}

test('CAP20 POST creates with an id made on the device or given, GET reads item and list in order of creation', async () => {
  const call = await openCaller();
  const created = await call('POST', '/api/tasks', { title: 'one' });
  expect(created).toMatchObject({
    status: 201,
    json: { title: 'one', id: 'new-0' },
    headers: { location: '/api/tasks/new-0' },
  });
  expect(created.headers['etag']).toMatch(/^"[\w-]{43}"$/);
  expect(await call('POST', '/api/tasks', { id: 'ä/b', title: 'two' })).toMatchObject({
    status: 201,
    headers: { location: '/api/tasks/%C3%A4%2Fb' },
  });
  expect(await call('POST', '/api/tasks', { id: 7, title: 'three' })).toMatchObject({
    status: 201,
    json: { id: 7, title: 'three' },
  });
  expect((await call('GET', '/api/tasks/%C3%A4%2Fb')).json).toEqual({ id: 'ä/b', title: 'two' });
  expect((await call('GET', '/api/tasks/7')).json).toEqual({ id: 7, title: 'three' });
  await call('PUT', '/api/tasks/new-0', { title: 'one again' });
  const list = [
    { title: 'one again', id: 'new-0' },
    { id: 'ä/b', title: 'two' },
    { id: 7, title: 'three' },
  ];
  expect((await call('GET', '/api/tasks')).json).toEqual(list);
  expect((await call('GET', '/api/tasks/')).json).toEqual(list);
});

test('CAP20 a list of more than one entry, log and batch keeps the order of creation', async () => {
  const call = await openCaller();
  const titles = Array.from({ length: 40 }, (_, i) => `task ${i}`);
  await Promise.all(titles.map((title, i) => call('POST', '/api/tasks', { id: `id-${40 - i}`, title })));
  const list = (await call('GET', '/api/tasks')).json as { title: string }[];
  expect(list.map(({ title }) => title)).toEqual(titles);
});

test('CAP21 HEAD is GET without a body, OPTIONS names the methods, others are 405', async () => {
  const call = await openCaller();
  await call('PUT', '/api/tasks/a', { title: 'a' });
  const got = await call('GET', '/api/tasks/a');
  expect(await call('HEAD', '/api/tasks/a')).toEqual({ ...got, json: undefined });
  expect(await call('OPTIONS', '/api/tasks')).toMatchObject({
    status: 204,
    headers: { allow: 'GET, HEAD, POST, OPTIONS' },
  });
  expect(await call('OPTIONS', '/api/tasks/a')).toMatchObject({
    status: 204,
    headers: { allow: 'GET, HEAD, PUT, PATCH, DELETE, OPTIONS' },
  });
  expect(await call('POST', '/api/tasks/a', {})).toMatchObject({ status: 405, json: { error: 'method-not-allowed' } });
  expect(await call('BREW', '/api/tasks')).toMatchObject({
    status: 405,
    headers: { allow: 'GET, HEAD, POST, OPTIONS' },
  });
});

test('CAP22 other paths are not of the collection', async () => {
  const call = await openCaller();
  for (const path of ['/api', '/api/tasksx', '/api/tasks/a/b', '/api/tasks/%E0%A4%A']) {
    expect(await call('GET', path), path).toMatchObject({ status: 404, json: { error: 'not-found' } });
  }
});

test('CAP23 statuses of every method on a present, a missing and a deleted item', async () => {
  const call = await openCaller();
  expect((await call('PUT', '/api/tasks/a', { n: 1 })).status).toBe(201);
  expect((await call('PUT', '/api/tasks/a', { n: 2 })).status).toBe(200);
  expect((await call('POST', '/api/tasks', { id: 'a' })).status).toBe(409);
  expect((await call('DELETE', '/api/tasks/a')).status).toBe(204);
  expect((await call('DELETE', '/api/tasks/a')).status).toBe(404);
  expect((await call('GET', '/api/tasks/a')).status).toBe(404);
  expect((await call('PATCH', '/api/tasks/a', { n: 3 })).status).toBe(404);
  expect((await call('GET', '/api/tasks')).json).toEqual([]);
  expect((await call('POST', '/api/tasks', { id: 'a', n: 4 })).status).toBe(201);
  expect((await call('PATCH', '/api/tasks/missing', {})).status).toBe(404);
  expect((await call('GET', '/api/tasks/missing')).status).toBe(404);
});

test('CAP23 PATCH merges and logs the merged value as one put', async () => {
  const replica = await openReplica(createDisk());
  const call = callerOf(replica);
  await call('PUT', '/api/tasks/a', { title: 'a', tags: ['x'], at: { x: 1, y: 2 } });
  const patched = await call(
    'PATCH',
    '/api/tasks/a',
    { tags: ['z'], at: { y: null, z: 3 }, done: true },
    {
      'content-type': 'application/merge-patch+json; charset=utf-8',
    },
  );
  const merged = { title: 'a', tags: ['z'], at: { x: 1, z: 3 }, done: true, id: 'a' };
  expect(patched).toMatchObject({ status: 200, json: merged });
  expect((await replica.view.item('/api/tasks/a'))?.live[0].value).toEqual(merged);
  expect((await call('PATCH', '/api/tasks/a', { id: null, done: null })).json).toEqual({
    title: 'a',
    tags: ['z'],
    at: { x: 1, z: 3 },
    id: 'a',
  });
});

test('CAP24 ETag and conditions: a write that saw an older version is refused, a repeated read is 304', async () => {
  const call = await openCaller();
  const first = (await call('PUT', '/api/tasks/a', { n: 1 })).headers['etag'] ?? '';
  expect((await call('GET', '/api/tasks/a')).headers['etag']).toBe(first);
  expect(await call('GET', '/api/tasks/a', undefined, { 'if-none-match': `"x", W/${first}` })).toMatchObject({
    status: 304,
    json: undefined,
    headers: { etag: first },
  });
  const second = (await call('PUT', '/api/tasks/a', { n: 2 }, { 'if-match': first })).headers['etag'] ?? '';
  expect(second).not.toBe(first);
  for (const method of ['PUT', 'PATCH'] as const) {
    expect(await call(method, '/api/tasks/a', { n: 3 }, { 'if-match': first })).toMatchObject({
      status: 412,
      json: { error: 'precondition-failed' },
      headers: { etag: second },
    });
  }
  expect((await call('DELETE', '/api/tasks/a', undefined, { 'if-match': `W/${second}` })).status).toBe(412);
  expect((await call('PUT', '/api/tasks/a', { n: 3 }, { 'if-match': 'unquoted' })).status).toBe(412);
  expect((await call('PUT', '/api/tasks/a', { n: 3 }, { 'if-none-match': '*' })).status).toBe(412);
  expect((await call('PUT', '/api/tasks/b', { n: 3 }, { 'if-match': '*' })).status).toBe(412);
  expect((await call('PUT', '/api/tasks/b', { n: 3 }, { 'if-none-match': '*' })).status).toBe(201);
  expect((await call('DELETE', '/api/tasks/a', undefined, { 'if-match': second })).status).toBe(204);
  expect((await call('GET', '/api/tasks/b')).json).toEqual({ n: 3, id: 'b' });
});

test('CAP24 of writes that quote the same version at once, one goes ahead', async () => {
  const call = await openCaller();
  const tag = (await call('PUT', '/api/tasks/a', { n: 0 })).headers['etag'] ?? '';
  const answers = await Promise.all([1, 2, 3, 4].map((n) => call('PUT', '/api/tasks/a', { n }, { 'if-match': tag })));
  expect(answers.map(({ status }) => status)).toEqual([200, 412, 412, 412]);
  expect((await call('GET', '/api/tasks/a')).json).toEqual({ n: 1, id: 'a' });
});

test('CAP24 S2.4 POSTs of one id at once: exactly one is created; without ids, every one is', async () => {
  const call = await openCaller();
  const same = await Promise.all([1, 2, 3].map((n) => call('POST', '/api/tasks', { id: 'same', n })));
  expect(same.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 409, 409]);
  const each = await Promise.all([1, 2, 3].map((n) => call('POST', '/api/tasks', { n })));
  expect(each.map(({ status }) => status)).toEqual([201, 201, 201]);
  expect((await call('GET', '/api/tasks')).json).toHaveLength(4);
});

test('CAP25 what cannot be taken is refused with its code, and nothing is logged', async () => {
  const replica = await openReplica(createDisk());
  const call = callerOf(replica);
  const refused = [
    [{ body: new Uint8Array(1_048_577) }, 413, 'too-large'],
    [{ body: utf8('{}'), type: 'text/plain;charset=UTF-8' }, 415, 'unsupported-media-type'],
    [{ body: utf8('{}'), type: 'application/x-jsonp' }, 415, 'unsupported-media-type'],
    [{ body: utf8('') }, 400, 'malformed'],
    [{ body: utf8('{"a":') }, 400, 'malformed'],
    [{ body: Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d) }, 400, 'malformed'],
    [{ body: utf8('[1]') }, 400, 'malformed'],
    [{ body: utf8('"text"') }, 400, 'malformed'],
    [{ body: utf8('{"id":{"a":1}}') }, 400, 'malformed'],
    [{ body: utf8('{"__proto__":{"admin":true}}') }, 422, 'invalid-entry'],
    [{ body: utf8('{"a":[{"__proto__":1}]}') }, 422, 'invalid-entry'],
    [{ body: utf8('{"a":1e999}') }, 422, 'invalid-entry'],
    [{ body: utf8(`{"a":${'['.repeat(70)}${']'.repeat(70)}}`) }, 422, 'invalid-entry'],
    [{ body: utf8(`{"id":"${'x'.repeat(1_024)}"}`) }, 422, 'invalid-entry'],
    [{ body: utf8('{"id":""}') }, 422, 'invalid-entry'],
    [{ body: utf8('{"id":".."}') }, 422, 'invalid-entry'],
    [{ body: utf8('{"id":"\\ud800"}') }, 422, 'invalid-entry'],
    [{ body: utf8(JSON.stringify({ text: 'x'.repeat(1_048_560) })) }, 413, 'too-large'],
    [{ body: utf8('{}'), key: 'a b' }, 400, 'malformed'],
  ] as const;
  for (const [{ body, ...rest }, status, error] of refused) {
    const headers = {
      ...('type' in rest ? { 'content-type': rest.type } : {}),
      ...('key' in rest ? { 'idempotency-key': rest.key } : {}),
    };
    const answer = await call('POST', '/api/tasks', body, headers);
    const code = (answer.json as { error?: string }).error;
    expect([answer.status, code], Buffer.from(body.subarray(0, 60)).toString()).toEqual([status, error]);
  }
  expect(await call('PUT', '/api/tasks/a', { id: 'b' })).toMatchObject({ status: 400, json: { error: 'malformed' } });
  expect((await call('GET', '/api/tasks')).json).toEqual([]);
  expect(await replica.store.heads()).toEqual([]);
});

test('CAP25 a full device answers 507, keeps what it has and takes writes again when there is room', async () => {
  const call = callerOf(await openReplica(createDisk({ maxBytes: 8_000 })));
  expect((await call('PUT', '/api/tasks/a', { n: 1 })).status).toBe(201);
  expect(await call('PUT', '/api/tasks/big', { text: 'x'.repeat(9_000) })).toMatchObject({
    status: 507,
    json: { error: 'storage-full' },
  });
  expect((await call('PUT', '/api/tasks/b', { n: 2 })).status).toBe(201);
  expect((await call('GET', '/api/tasks')).json).toEqual([
    { n: 1, id: 'a' },
    { n: 2, id: 'b' },
  ]);
});

test('CAP25 a file of a megabyte in a body is taken whole', async () => {
  const call = await openCaller();
  const text = 'x'.repeat(1_040_000);
  expect((await call('POST', '/api/tasks', { id: 'file', text })).status).toBe(201);
  expect((await call('GET', '/api/tasks/file')).json).toEqual({ id: 'file', text });
});
