import { connect } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { toBase64Url } from '../../../core/log/bytes.ts';
import type { Bytes } from '../../../core/log/bytes.ts';
import { decodeRun } from '../../../core/log/run-codec.ts';
import { decodeErrorReply, decodeSyncResponse, encodeCursor } from '../../../core/protocol/codec.ts';
import { createFrameReader } from '../../../core/protocol/frames.ts';
import type { Cursor, SpaceResponse } from '../../../core/protocol/messages.ts';
import type { Authorize, Session } from '../../../server/index.ts';
import { createLiveConnections } from '../../../server/sync/live-connections.ts';
import { createLiveFeed } from '../../../server/sync/live-feed.ts';
import { numbered, SPACE } from '../log/test-writer.ts';
import { CBOR_HEADERS, send, syncBody } from './http.ts';
import { createAccountWriter, createResponder } from './responder.ts';
import type { TestServer } from './start-server.ts';
import { collectGarbage, makeFolder, startServer } from './start-server.ts';

let folder: Awaited<ReturnType<typeof makeFolder>>;
let server: TestServer;
let mayRead = true;
const stops: AbortController[] = [];

beforeEach(async () => {
  folder = await makeFolder();
  mayRead = true;
  const session = (account: string): Session & { account: string } => ({
    account,
    read: () => mayRead,
    write: () => true,
  });
  const authorize: Authorize = ({ headers }) => session(headers.authorization ?? 'ann');
  server = await startServer({ dataDir: join(folder.path, 'data'), maxLiveConnections: 2, authorize });
});

afterEach(async () => {
  for (const stop of stops.splice(0)) stop.abort();
  await server.stop();
  await folder.remove();
});

async function post(account: string, runs: readonly Bytes[], cursor?: Cursor): Promise<SpaceResponse> {
  const body = syncBody({ space: SPACE, runs, cursor }, account, `${account}’s first`);
  const answer = await send(`${server.url}/wakelog/sync`, {
    method: 'POST',
    headers: { ...CBOR_HEADERS, authorization: account },
    body,
  });
  const decoded = decodeSyncResponse(new Uint8Array(answer.body));
  const space = typeof decoded === 'string' ? undefined : decoded.spaces[0];
  if (space === undefined) throw new Error(`${answer.status} ${answer.code}`);
  return space;
}

interface Live {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly code: string | undefined;
  /** The next frame; undefined at the end; a heartbeat is `alive`. */
  readonly next: () => Promise<SpaceResponse | 'alive' | undefined>;
  readonly stop: () => void;
}

async function live(cursor: Cursor, account = 'ann', life = `${account}’s first`): Promise<Live> {
  const stop = new AbortController();
  stops.push(stop);
  const query = new URLSearchParams({
    space: SPACE,
    account,
    device: 'device',
    life,
    cursor: toBase64Url(encodeCursor(cursor)),
  });
  const response = await fetch(`${server.url}/wakelog/live?${query}`, {
    signal: stop.signal,
    headers: { authorization: account },
  });
  const base = { status: response.status, retryAfter: response.headers.get('retry-after'), stop: () => stop.abort() };
  if (response.status !== 200) {
    const reply = decodeErrorReply(new Uint8Array(await response.arrayBuffer()));
    return { ...base, code: typeof reply === 'string' ? reply : reply.error, next: async () => undefined };
  }
  const reader = (response.body as ReadableStream<Bytes>).getReader();
  const frames = createFrameReader();
  const waiting: Bytes[] = [];
  return {
    ...base,
    code: undefined,
    async next() {
      for (;;) {
        const frame = waiting.shift();
        if (frame?.length === 0) return 'alive';
        const decoded = frame && decodeSyncResponse(frame);
        if (typeof decoded === 'object') return decoded.spaces[0];
        const { done, value } = await reader.read();
        if (done) return undefined;
        const complete = frames.push(value);
        if (complete === 'too-large') throw new Error('too large');
        waiting.push(...complete.map((bytes) => bytes.slice()));
      }
    },
  };
}

function sequences({ runs }: SpaceResponse, log: string): number[] {
  return runs.flatMap((bytes) => {
    const run = decodeRun(bytes);
    if (typeof run === 'string') throw new Error(run);
    return toBase64Url(run.log) === log ? run.entries.map((_, i) => run.first + i) : [];
  });
}

test('SYNC13 a live connection says at once that it stands, then gives what arrives after its cursor, in frames of sync responses', async () => {
  const ann = await createAccountWriter('ann');
  const { cursor } = await post('ann', [ann.opening]);
  const stream = await live(cursor, 'ben');
  expect(await stream.next()).toBe('alive');
  await post('ann', await ann.runs(...numbered(2)));
  const frame = await stream.next();
  if (typeof frame !== 'object') throw new Error('a frame');
  expect(sequences(frame, ann.log)).toEqual([1, 2]);
  expect(frame).toMatchObject({ compareVectors: false, level: true });
  expect(frame.cursor.position).toBeGreaterThan(cursor.position);
  const later = await live(frame.cursor, 'ben');
  expect(await later.next()).toBe('alive');
  await post('ann', await ann.runs(...numbered(1)));
  for (const each of [stream, later]) {
    const next = await each.next();
    expect(typeof next === 'object' && sequences(next, ann.log)).toEqual([3]);
  }
});

test('SYNC13 a device is not sent back what it sent itself while it was connected', async () => {
  const [ann, ben] = [await createAccountWriter('ann'), await createAccountWriter('ben')];
  await post('ann', [ann.opening]);
  const { cursor } = await post('ben', [ben.opening]);
  const stream = await live(cursor, 'ann');
  expect(await stream.next()).toBe('alive');
  await post('ann', await ann.runs(...numbered(1)));
  await post('ben', await ben.runs(...numbered(1)));
  const frame = await stream.next();
  if (typeof frame !== 'object') throw new Error('a frame');
  expect([sequences(frame, ann.log), sequences(frame, ben.log)]).toEqual([[], [1]]);
});

test('SYNC13 S1.2: another life under the name of a device, a copy of it, is sent what the first one sends', async () => {
  const ann = await createAccountWriter('ann');
  const { cursor } = await post('ann', [ann.opening]);
  const copy = await live(cursor, 'ann', 'ann’s second');
  expect(await copy.next()).toBe('alive');
  await post('ann', await ann.runs(...numbered(1)));
  const frame = await copy.next();
  expect(typeof frame === 'object' && sequences(frame, ann.log)).toEqual([1]);
});

test('SYNC13 SYNC4 a cursor that is not this store’s is told to compare, and the stream ends', async () => {
  const ann = await createAccountWriter('ann');
  const { cursor } = await post('ann', [ann.opening]);
  const stream = await live({ ...cursor, epoch: 'another' });
  expect(await stream.next()).toBe('alive');
  expect(await stream.next()).toMatchObject({ compareVectors: true, runs: [] });
  expect(await stream.next()).toBeUndefined();
});

test('CAP3 beyond the number of live connections 503 with Retry-After; one that ends makes room', async () => {
  const { cursor } = await post('ann', [(await createAccountWriter('ann')).opening]);
  const [first] = [await live(cursor), await live(cursor)];
  const third = await live(cursor);
  expect([third.status, third.code, third.retryAfter]).toEqual([503, 'busy', '30']);
  first.stop();
  await expect.poll(async () => (await live(cursor)).status).toBe(200);
});

test('SYNC13 who may not read gets no stream, and no stream is for another account', async () => {
  const { cursor } = await post('ann', [(await createAccountWriter('ann')).opening]);
  mayRead = false;
  expect(await live(cursor)).toMatchObject({ status: 403, code: 'forbidden' });
  mayRead = true;
  const query = new URLSearchParams({
    space: SPACE,
    account: 'ben',
    device: 'd',
    cursor: toBase64Url(encodeCursor(cursor)),
  });
  const answer = await send(`${server.url}/wakelog/live?${query}`, { headers: { authorization: 'ann' } });
  expect([answer.status, answer.code]).toEqual([403, 'account-mismatch']);
});

test('SYNC13 a server that stops ends its streams', async () => {
  const { cursor } = await post('ann', [(await createAccountWriter('ann')).opening]);
  const stream = await live(cursor);
  expect(await stream.next()).toBe('alive');
  const [end] = await Promise.all([stream.next(), server.handler.close()]);
  expect(end).toBeUndefined();
});

test('CAP3 a reader that does not read costs the server one frame, however much there is to send', async () => {
  const ann = await createAccountWriter('ann');
  const { cursor } = await post('ann', [ann.opening]);
  const query = new URLSearchParams({
    space: SPACE,
    account: 'ann',
    device: 'other',
    cursor: toBase64Url(encodeCursor(cursor)),
  });
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  socket.write(`GET /wakelog/live?${query} HTTP/1.1\r\nhost: localhost\r\nauthorization: ann\r\n\r\n`);
  await once(socket, 'readable');
  socket.pause();
  const text = JSON.stringify({ writes: [['put', 'k', 'x'.repeat(1_000_000), []]] });
  collectGarbage();
  const before = process.memoryUsage().arrayBuffers;
  for (let i = 0; i < 24; i++) await post('ann', await ann.runs({ text }));
  const grown = (): number => {
    collectGarbage();
    return process.memoryUsage().arrayBuffers - before;
  };
  await expect.poll(grown, { timeout: 5_000, interval: 100 }).toBeLessThan(8_000_000);
  socket.destroy();
});

test('SYNC13 a feed asks the store by position only, so that entries of before and after a merge of rows come once', async () => {
  const responder = createResponder();
  const ann = await createAccountWriter('ann');
  const { cursor } = await responder.ask({ runs: [ann.opening] });
  const seen: number[] = [];
  await responder.spaces.use(SPACE, async (space) => {
    const feed = createLiveFeed(space, cursor, () => 1);
    for (let i = 0; i < 100; i++) {
      await responder.ask({ runs: await ann.runs(...numbered(1)) });
      if (i % 7 !== 0) continue;
      for (let frame = await feed.next(); frame !== 'level'; frame = await feed.next()) {
        for (const answer of frame.spaces) seen.push(...sequences(answer, ann.log));
      }
    }
  });
  expect(seen).toEqual(Array.from({ length: 99 }, (_, i) => i + 1));
});

test('CAP3 connections are counted by party, and each is removed once', () => {
  const connections = createLiveConnections(2);
  const party = { account: 'a', device: 'd', life: 'l', space: 's' };
  const connection = { party, noteCarried: () => undefined, end: () => undefined };
  const [first, second] = [connections.add({ ...connection }), connections.add({ ...connection })];
  expect(connections.add({ ...connection })).toBeUndefined();
  first?.();
  first?.();
  expect([connections.count(), connections.isLive(party), connections.isLive({ ...party, space: 't' })]).toEqual([
    1,
    true,
    false,
  ]);
  second?.();
  expect([connections.count(), connections.isLive(party)]).toEqual([0, false]);
});
