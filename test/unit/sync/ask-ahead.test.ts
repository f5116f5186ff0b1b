import { expect, test } from 'vitest';
import { createAsker, inOrder, nextRequest } from '../../../core/engine/ask-ahead.ts';
import type { TransportAnswer } from '../../../core/engine/ports.ts';
import type { Bytes } from '../../../core/log/bytes.ts';
import type { SpaceRequest, SpaceResponse } from '../../../core/protocol/messages.ts';
import { createTestWriter } from '../log/test-writer.ts';

/** Answers each request with its own bytes, or not at all. */
function createEcho(): { readonly asked: number[]; fail: boolean; readonly sync: (body: Bytes) => Promise<TransportAnswer> } {
  const echo = {
    asked: [] as number[],
    fail: false,
    async sync(body: Bytes): Promise<TransportAnswer> {
      echo.asked.push(body[0] ?? -1);
      if (echo.fail) throw new Error('no network');
      return { status: 200, contentType: '', retryAfterMs: undefined, body };
    },
  };
  return echo;
}

const bytes = (value: number): Bytes => Uint8Array.of(value);

test('SYNC2 what was asked ahead answers the same bytes, once', async () => {
  const echo = createEcho();
  const asker = createAsker(echo);
  asker.askAhead(bytes(1));
  expect((await asker.ask(bytes(1)))?.body).toEqual(bytes(1));
  expect(echo.asked).toEqual([1]);
  expect((await asker.ask(bytes(1)))?.body).toEqual(bytes(1));
  expect(echo.asked).toEqual([1, 1]);
});

test('SYNC2 what was asked ahead in vain is thrown away', async () => {
  const echo = createEcho();
  const asker = createAsker(echo);
  asker.askAhead(bytes(1));
  expect((await asker.ask(bytes(2)))?.body).toEqual(bytes(2));
  expect((await asker.ask(bytes(1)))?.body).toEqual(bytes(1));
  expect(echo.asked).toEqual([1, 2, 1]);
});

test('SYNC2 a question ahead that got no answer is asked again', async () => {
  const echo = createEcho();
  const asker = createAsker(echo);
  echo.fail = true;
  asker.askAhead(bytes(1));
  expect(await asker.ask(bytes(2))).toBeUndefined();
  asker.askAhead(bytes(3));
  echo.fail = false;
  expect((await asker.ask(bytes(3)))?.body).toEqual(bytes(3));
});

test('SYNC2 the next request is foretold from the runs of an answer, and only where nothing else can come of it', async () => {
  const [a, b] = [createTestWriter('a'), createTestWriter('b')];
  const runs = [await a.writeRun({ text: '1' }, { text: '2' }), await b.writeRun({ text: '3' }), await a.writeRun({ text: '4' })];
  const cursor = { epoch: 'e', position: 9, check: new Uint8Array(8) };
  const response: SpaceResponse = {
    space: 's',
    cursor,
    authorities: [],
    acknowledged: new Map(),
    compareVectors: false,
    refused: [],
    runs: runs.map((run) => run.bytes),
    level: false,
  };
  const byVector: SpaceRequest = { space: 's', cursor: undefined, vector: new Map([[b.log, 7]]), runs: [] };
  const expected = inOrder(new Map([[a.log, 2], [b.log, 7]]));
  expect([...(nextRequest(byVector, response)?.vector ?? [])]).toEqual([...expected]);
  const byCursor: SpaceRequest = { space: 's', cursor: { ...cursor, position: 1 }, vector: undefined, runs: [] };
  expect(nextRequest(byCursor, response)).toEqual({ ...byCursor, cursor });
  expect(nextRequest(byCursor, { ...response, level: true })).toBeUndefined();
  expect(nextRequest(byCursor, { ...response, compareVectors: true })).toBeUndefined();
  expect(nextRequest(byCursor, { ...response, runs: [] })).toBeUndefined();
  expect(nextRequest(byVector, { ...response, runs: [new Uint8Array(3)] })).toBeUndefined();
  expect(nextRequest({ ...byCursor, runs: [new Uint8Array(3)] }, response)).toBeUndefined();
});
