import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import express from 'express';
import { afterEach, expect, test } from 'vitest';
import { toBase64Url } from '../../../core/log/bytes.ts';
import { encodeCursor } from '../../../core/protocol/codec.ts';
import type { RouteContext } from '../../../server/routes/context.ts';
import { createGuards } from '../../../server/routes/guards.ts';
import { createLiveConnections } from '../../../server/sync/live-connections.ts';
import type { LiveConnections } from '../../../server/sync/live-connections.ts';
import { liveRoute } from '../../../server/routes/live-route.ts';
import { SPACE } from '../log/test-writer.ts';
import type { Responder } from './responder.ts';
import { createAccountWriter, createResponder } from './responder.ts';
import { createCollectingLog } from './start-server.ts';

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

interface LiveServer {
  readonly responder: Responder;
  readonly live: LiveConnections;
  readonly url: URL;
  /** Resolves when the server sees that its first connection is gone. */
  readonly left: Promise<unknown>;
}

/** The live route alone, with a clock that beats faster. */
async function serve(mayRead: () => boolean | Promise<boolean>): Promise<LiveServer> {
  const responder = createResponder();
  const live = createLiveConnections(10);
  const context: Pick<RouteContext, 'log' | 'spaces' | 'live' | 'guards' | 'sessionOf'> & {
    sync: Pick<RouteContext['sync'], 'now'>;
  } = {
    log: createCollectingLog([]),
    spaces: responder.spaces,
    live,
    guards: createGuards([]),
    sessionOf: async () => ({ account: 'ann', read: mayRead, write: () => true }),
    sync: { now: () => 1 },
  };
  const app = express().get('/live', liveRoute(context as RouteContext, { heartbeatMs: 25, recheckMs: 25 }));
  const server = createServer(app).listen(0, '127.0.0.1');
  const left = once(server, 'connection').then(async ([socket]) => once(socket as Socket, 'close'));
  await once(server, 'listening');
  stops.push(
    () => server.close(),
    () => server.closeAllConnections(),
  );
  const query = new URLSearchParams({
    space: SPACE,
    account: 'ann',
    device: 'd',
    cursor: toBase64Url(encodeCursor({ epoch: 'base', position: 0, check: new Uint8Array(8) })),
  });
  return {
    responder,
    live,
    left,
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/live?${query}`),
  };
}

test('SYNC13 an empty frame says from time to time that the server is alive', async () => {
  const { url } = await serve(() => true);
  const response = await fetch(url);
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  let bytes = 0;
  while (bytes < 16) {
    const { value = new Uint8Array(0) } = await reader.read();
    expect([...new Set(value)]).toEqual([0]);
    bytes += value.length;
  }
  await reader.cancel();
});

test('SYNC13 a stream ends when its session may no longer read', async () => {
  let allowed = true;
  const { url, live } = await serve(() => allowed);
  const response = await fetch(url);
  const whole = response.arrayBuffer();
  expect(live.count()).toBe(1);
  allowed = false;
  expect((await whole).byteLength % 4).toBe(0);
  await expect.poll(() => live.count()).toBe(0);
});

test('CAP3 a reader that does not read is cut off after two heartbeats that could not be written', async () => {
  const { url, live, responder } = await serve(() => true);
  const ann = await createAccountWriter('ann');
  await responder.ask({ runs: [ann.opening] });
  const text = JSON.stringify({ writes: [['put', 'k', 'x'.repeat(1_000_000), []]] });
  for (let i = 0; i < 12; i++) await responder.ask({ runs: await ann.runs({ text }) });
  const socket = connect(Number(url.port), url.hostname);
  stops.push(() => socket.destroy());
  socket.pause();
  socket.write(`GET ${url.pathname}${url.search} HTTP/1.1\r\nhost: localhost\r\n\r\n`);
  await expect.poll(() => live.count()).toBe(1);
  await expect.poll(() => live.count(), { timeout: 5_000 }).toBe(0);
});

test('CAP3 SYNC13 a reader that is gone before its stream stands takes no place', async () => {
  const [asked, allowed] = [Promise.withResolvers<void>(), Promise.withResolvers<boolean>()];
  const { url, live, left, responder } = await serve(() => {
    asked.resolve();
    return allowed.promise;
  });
  const use = responder.spaces.use;
  const served = Promise.withResolvers<void>();
  Object.assign(responder.spaces, { use: (...args: Parameters<typeof use>) => use(...args).finally(served.resolve) });
  const socket = connect(Number(url.port), url.hostname);
  socket.write(`GET ${url.pathname}${url.search} HTTP/1.1\r\nhost: localhost\r\n\r\n`);
  await asked.promise;
  socket.destroy();
  await left;
  allowed.resolve(true);
  await served.promise;
  expect(live.count()).toBe(0);
});
