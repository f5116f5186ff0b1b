import fc from 'fast-check';
import { expect, test } from 'vitest';
import { handleCollectionRequest } from '../../../core/engine/rest/collection.ts';
import { findCollection } from '../../../core/engine/rest/collection-path.ts';
import { mergePatch } from '../../../core/engine/rest/merge-patch.ts';
import type { Json } from '../../../core/log/body.ts';
import { utf8ToText } from '../../../core/log/bytes.ts';
import { ERRORS, isErrorCode } from '../../../core/protocol/errors.ts';
import { callerOf, createDisk, openReplica } from './test-collection.ts';

const METHODS = ['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE', 'TRACE', 'get', ''];
const NAMES = ['a', 'b', 'constructor', 'hasOwnProperty', 'toString', '__proto__', 'id', ''];
const json = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(null, true, false, 0, -0, 1.5, 'text', '', '\ud800'),
    fc.array(tie('value'), { maxLength: 3 }),
    fc
      .array(fc.tuple(fc.constantFrom(...NAMES), tie('value')), { maxLength: 4 })
      .map((pairs) => Object.fromEntries(pairs)),
  ),
})).value;

test('CAP25 whatever is asked gets one well-formed answer: a success, or an error of the closed table with its status', async () => {
  const replica = await openReplica(createDisk());
  const request = fc.record({
    method: fc.constantFrom(...METHODS),
    path: fc.oneof(
      fc.constantFrom('/api/tasks', '/api/tasks/', '/api/tasks/a', '/api/tasks/%00', '/api/tasks/%', '/'),
      fc.webPath(),
    ),
    headers: fc.dictionary(
      fc.constantFrom('content-type', 'if-match', 'if-none-match', 'idempotency-key'),
      fc.oneof(fc.constantFrom('application/json', '*', '"a"', 'W/"a"', '""', '"', ','), fc.string()),
    ),
    body: fc.oneof(
      fc.uint8Array({ maxLength: 40 }).map((bytes) => new Uint8Array(bytes)),
      json.map((value) => new TextEncoder().encode(JSON.stringify(value))),
    ),
  });
  let taken = 0;
  await fc.assert(
    fc.asyncProperty(request, async ({ method, path, headers, body }) => {
      const asked = {
        method,
        path,
        headers: (name: string) => (Object.hasOwn(headers, name) ? headers[name] : undefined),
        body,
      };
      const answer = await handleCollectionRequest(replica, '/api/tasks', asked, { newId: () => `n${taken++}` });
      for (const value of Object.values(answer.headers)) expect(value).toMatch(/^[\x20-\x7e]*$/);
      if (answer.status < 400) return;
      const text = utf8ToText(answer.body) ?? '';
      if (method === 'HEAD') return;
      const { error } = JSON.parse(text) as { error: unknown };
      if (!isErrorCode(error)) throw new Error(`not in the table: ${String(error)}`);
      expect(answer.status).toBe(ERRORS[error].status);
    }),
    { numRuns: 1_000 },
  );
});

test('CAP20 what is put is read back, whatever the id and the object', async () => {
  const call = callerOf(await openReplica(createDisk()));
  const plain = json.filter((value) => !JSON.stringify(value).includes('__proto__'));
  const id = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
    .filter((text) => text !== '.' && text !== '..');
  await fc.assert(
    fc.asyncProperty(id, plain, async (name, content) => {
      const path = `/api/tasks/${encodeURIComponent(name)}`;
      const status = (await call('PUT', path, { content })).status;
      expect([200, 201]).toContain(status);
      const wanted = JSON.parse(JSON.stringify({ content, id: name })) as Json;
      expect((await call('GET', path)).json).toEqual(wanted);
      expect((await call('GET', '/api/tasks')).json).toContainEqual(wanted);
    }),
    { numRuns: 200 },
  );
});

test('CAP23 merging follows RFC 7396: every example of its appendix A', () => {
  const examples: readonly (readonly [target: Json, patch: Json, result: Json])[] = [
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [
      ['a', 'b'],
      ['c', 'd'],
      ['c', 'd'],
    ],
    [{ a: 'b' }, ['c'], ['c']],
    [{ a: 'foo' }, null, null],
    [{ a: 'foo' }, 'bar', 'bar'],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ];
  for (const [target, patch, result] of examples) expect(mergePatch(target, patch)).toEqual(result);
});

test('CAP23 merging twice is merging once, and inherited names are no members', () => {
  fc.assert(
    fc.property(json, json, (target, patch) => {
      const merged = mergePatch(target, patch);
      expect(mergePatch(merged, patch)).toEqual(merged);
      if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return;
      const members = [
        ...Object.keys(patch),
        ...(typeof target === 'object' && target !== null ? Object.keys(target) : []),
      ];
      for (const name of Object.keys(merged as object)) expect(members).toContain(name);
    }),
  );
  expect(mergePatch({}, { constructor: { b: null } })).toEqual({ constructor: {} });
});

test('CAP22 the longest collection with a meaning for path and method answers, everything else passes', () => {
  const collections = ['/api', '/api/tasks'];
  expect(findCollection(collections, 'GET', '/api/tasks')).toBe('/api/tasks');
  expect(findCollection(collections, 'PUT', '/api/tasks')).toBe('/api');
  expect(findCollection(collections, 'POST', '/api/tasks')).toBe('/api/tasks');
  expect(findCollection(collections, 'PATCH', '/api/tasks/1')).toBe('/api/tasks');
  expect(findCollection(collections, 'POST', '/api/tasks/1')).toBeUndefined();
  for (const method of ['PROPFIND', 'TRACE', 'get', 'QUERY'])
    expect(findCollection(collections, method, '/api/tasks')).toBeUndefined();
  for (const path of ['/api/tasks/1/notes', '/apix', '/', '/api/tasks/%FF']) {
    expect(findCollection(collections, 'GET', path), path).toBeUndefined();
  }
});
