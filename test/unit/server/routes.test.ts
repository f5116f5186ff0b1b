import { createConnection } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeSyncResponse } from '../../../core/protocol/codec.ts';
import { ERRORS } from '../../../core/protocol/errors.ts';
import type { Authorize } from '../../../server/index.ts';
import { wakelog } from '../../../server/index.ts';
import { createBodyReader } from '../../../server/routes/bodies.ts';
import { createGuards, isLoopbackName } from '../../../server/routes/guards.ts';
import { createRateLimit } from '../../../server/routes/rate-limit.ts';
import { CBOR_HEADERS, JSON_HEADERS, send, syncBody } from './http.ts';
import type { TestServer } from './start-server.ts';
import type { LogLine } from './start-server.ts';
import { createCollectingLog, makeFolder, startServer } from './start-server.ts';

let folder: Awaited<ReturnType<typeof makeFolder>>;
let open: TestServer;
let closed: TestServer;
const lines: LogLine[] = [];

const authorize: Authorize = ({ headers }) => {
  const account = headers.authorization?.replace('Bearer ', '');
  if (account === undefined) return undefined;
  return { account, read: (space) => space === 'team', write: (space) => space === 'team' && account !== 'guest' };
};

beforeAll(async () => {
  folder = await makeFolder();
  open = await startServer({ dataDir: join(folder.path, 'open'), collections: ['/api/tasks'] });
  closed = await startServer({
    dataDir: join(folder.path, 'closed'),
    collections: ['/api/tasks'],
    space: 'team',
    authorize,
    hosts: ['.example.org'],
  });
});

afterAll(async () => {
  await open.stop();
  await closed.stop();
  await folder.remove();
});

const as = (account: string): Record<string, string> => ({ authorization: `Bearer ${account}` });

describe('SYNC9 errors', () => {
  test('SYNC9 every failure of a sync route is CBOR from the closed table, of every other route JSON from the same table', async () => {
    const cases = [
      [await send(`${open.url}/wakelog/sync`, { method: 'POST', headers: CBOR_HEADERS, body: 'no cbor' }), 'malformed'],
      [
        await send(`${open.url}/wakelog/sync`, { method: 'POST', headers: JSON_HEADERS, body: '{}' }),
        'unsupported-media-type',
      ],
      [await send(`${open.url}/wakelog/sync`), 'method-not-allowed'],
      [await send(`${open.url}/wakelog/live`, { method: 'POST', body: '' }), 'method-not-allowed'],
      [await send(`${open.url}/wakelog/live?space=team`), 'malformed'],
      [
        await send(`${closed.url}/wakelog/sync`, { method: 'POST', headers: CBOR_HEADERS, body: syncBody() }),
        'unauthenticated',
      ],
      [
        await send(`${closed.url}/wakelog/sync`, {
          method: 'POST',
          headers: { ...CBOR_HEADERS, ...as('ben') },
          body: syncBody(),
        }),
        'account-mismatch',
      ],
      [
        await send(`${open.url}/wakelog/push/subscribe`, { method: 'POST', headers: JSON_HEADERS, body: '[' }),
        'malformed',
      ],
      [await send(`${open.url}/wakelog/push/subscribe`), 'method-not-allowed'],
      [await send(`${open.url}/wakelog/updates`), 'not-found'],
      [await send(`${open.url}/wakelog/nothing`), 'not-found'],
      [await send(`${open.url}/nothing`), 'not-found'],
      [await send(`${open.url}/%E0%A4%A`), 'not-found'],
      [await send(`${closed.url}/api/tasks`), 'unauthenticated'],
      [
        await send(`${closed.url}/api/tasks`, {
          method: 'POST',
          headers: { ...JSON_HEADERS, ...as('guest') },
          body: '{}',
        }),
        'forbidden',
      ],
    ] as const;
    for (const [answer, code] of cases) {
      expect(answer.code).toBe(code);
      expect(answer.status).toBe(ERRORS[code].status);
      expect(answer.body.toString()).not.toMatch(/\bat .*:\d+|node_modules|server\//);
    }
  });

  test('SYNC9 an unknown protocol version has a code of its own', async () => {
    const body = syncBody();
    const at = Buffer.from(body).indexOf(Buffer.from([0x61, 0x76, 1]));
    body[at + 2] = 2;
    const answer = await send(`${open.url}/wakelog/sync`, { method: 'POST', headers: CBOR_HEADERS, body });
    expect([answer.status, answer.code]).toEqual([400, 'unsupported-protocol']);
  });

  test('SYNC9 a space that may not be read is refused alone', async () => {
    const headers = { ...CBOR_HEADERS, ...as('ann') };
    const answer = await send(`${closed.url}/wakelog/sync`, {
      method: 'POST',
      headers,
      body: syncBody({ space: 'other' }),
    });
    const response = decodeSyncResponse(new Uint8Array(answer.body));
    expect(response).toMatchObject({ spaces: [{ space: 'other', error: 'forbidden', runs: [] }] });
  });
});

describe('CAP2 bodies', () => {
  test('CAP2 compressed bodies are refused unread, on every route that takes a body', async () => {
    for (const [path, headers] of [
      ['/wakelog/sync', CBOR_HEADERS],
      ['/wakelog/push/subscribe', JSON_HEADERS],
      ['/api/tasks', JSON_HEADERS],
    ] as const) {
      const answer = await send(`${open.url}${path}`, {
        method: 'POST',
        headers: { ...headers, 'content-encoding': 'gzip' },
        body: 'bomb',
      });
      expect([path, answer.status, answer.code]).toEqual([path, 415, 'unsupported-media-type']);
    }
  });

  test('CAP1 CAP2 a body beyond the limit of its route is refused by its announced length, or when it gets there', async () => {
    for (const [path, headers, bytes] of [
      ['/wakelog/sync', CBOR_HEADERS, 4_194_305],
      ['/wakelog/push/subscribe', JSON_HEADERS, 16_385],
      ['/api/tasks', JSON_HEADERS, 1_048_577],
    ] as const) {
      const body = Buffer.alloc(bytes, 32);
      const announced = await send(`${open.url}${path}`, { method: 'POST', headers, body });
      expect([path, announced.status, announced.code]).toEqual([path, 413, 'too-large']);
      const chunked = await send(`${open.url}${path}`, {
        method: 'POST',
        headers: { ...headers, 'transfer-encoding': 'chunked' },
        body,
      });
      expect([path, chunked.status, chunked.code]).toEqual([path, 413, 'too-large']);
    }
  });

  test('CAP2 bodies of all requests together are bounded: beyond it 503 with Retry-After, and room again afterwards', async () => {
    const address = new URL(open.url);
    const halves = await Promise.all(Array.from({ length: 16 }, () => halfRequest(address)));
    const busy = await send(`${open.url}/wakelog/sync`, { method: 'POST', headers: CBOR_HEADERS, body: syncBody() });
    expect([busy.status, busy.code, busy.headers['retry-after']]).toEqual([503, 'busy', '1']);
    for (const socket of halves) socket.destroy();
    await expect
      .poll(
        async () =>
          (await send(`${open.url}/wakelog/sync`, { method: 'POST', headers: CBOR_HEADERS, body: syncBody() })).status,
      )
      .toBe(200);
  });

  test('CAP2 a body that comes too slowly is given up', async () => {
    const reader = createBodyReader({ idleMs: 20 });
    const { createServer } = await import('node:http');
    const server = createServer((request, response) => {
      reader.read(request, response, 100).then(
        () => response.end('read'),
        (error: Error) => response.end(error.message),
      );
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const socket = createConnection((server.address() as { port: number }).port, '127.0.0.1');
    socket.write('POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\nabc');
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toContain('the request body came too slowly');
    socket.destroy();
    await expect.poll(() => reader.heldBytes()).toBe(0);
    server.close();
  });
});

/** A request of 4 MiB of which the server has the announcement and one byte. */
async function halfRequest({ hostname, port }: URL): Promise<ReturnType<typeof createConnection>> {
  const socket = createConnection(Number(port), hostname);
  await once(socket, 'connect');
  const head = `POST /wakelog/sync HTTP/1.1\r\nhost: ${hostname}\r\ncontent-type: application/wakelog+cbor\r\ncontent-length: 4194304\r\nexpect: 100-continue\r\n\r\n`;
  socket.write(head);
  // The server has looked at it once it says: go on.
  await once(socket, 'data');
  socket.on('error', () => undefined);
  return socket;
}

describe('CAP4 guards', () => {
  const write = { method: 'POST', headers: JSON_HEADERS, body: '{}' };

  test('CAP4 requests that another site makes are refused on every route that changes something', async () => {
    for (const headers of [
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'cross-site', origin: open.url },
      { 'sec-fetch-site': 'same-site' },
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { origin: 'http://127.0.0.1:1' },
    ]) {
      for (const path of ['/wakelog/sync', '/wakelog/push/subscribe', '/wakelog/push/unsubscribe', '/api/tasks']) {
        const answer = await send(open.url + path, { ...write, headers: { ...JSON_HEADERS, ...headers } });
        expect([path, headers, answer.status, answer.code]).toEqual([path, headers, 403, 'cross-site']);
      }
    }
    const own = { ...JSON_HEADERS, origin: open.url, 'sec-fetch-site': 'same-origin' };
    expect((await send(`${open.url}/api/tasks`, { ...write, headers: own })).status).toBe(201);
  });

  test('CAP4 a name that is not on the list is refused, on localhost too; loopback names and listed ones are not', async () => {
    for (const path of ['/wakelog/sync', '/wakelog/sw.js', '/wakelog/push/key', '/api/tasks']) {
      const answer = await send(open.url + path, { headers: { host: 'rebound.example' } });
      expect([path, answer.status, answer.code]).toEqual([path, 421, 'unknown-host']);
    }
    const { checkHost } = createGuards(['Wakelog.example.org', '.team.example']);
    const hosts = [
      'localhost',
      'localhost:8080',
      'app.localhost',
      '127.0.0.1:1',
      '[::1]:80',
      'wakelog.EXAMPLE.org:443',
      'a.team.example',
    ];
    for (const host of hosts) expect(() => checkHost({ headers: { host } } as never)).not.toThrow();
    for (const host of [
      'example.org',
      'team.example',
      'a.team.example.evil',
      'localhost.evil',
      '127.0.0.1.evil',
      'a@localhost',
      '',
      '1.2.3.4',
    ]) {
      expect(() => checkHost({ headers: { host } } as never)).toThrow('does not answer under that name');
    }
    expect(['localhost', '::1', '127.9.9.9', '::ffff:127.0.0.1', '0.0.0.0', 'example.org'].map(isLoopbackName)).toEqual(
      [true, true, true, true, false, false],
    );
  });

  test('CAP4 an address beyond its rate is told when to come back; loopback is not limited', () => {
    let now = 0;
    const check = createRateLimit(10, () => now);
    const from = (remoteAddress: string): never => ({ socket: { remoteAddress }, headers: {} }) as never;
    for (let i = 0; i < 50; i++) check(from('203.0.113.1'));
    expect(() => check(from('203.0.113.1'))).toThrow(expect.objectContaining({ message: 'too many requests', retryAfterMs: 1_000 }));
    expect(() => check(from('203.0.113.2'))).not.toThrow();
    for (let i = 0; i < 200; i++) check(from('127.0.0.1'));
    now = 100;
    expect(() => check(from('203.0.113.1'))).not.toThrow();
  });
});

describe('CAP5 who may', () => {
  test('CAP5 without authorize the server is open to this machine only, and says so', async () => {
    expect(open.lines.some(({ level, message }) => level === 'warn' && message.startsWith('open:'))).toBe(true);
    for (const header of ['x-forwarded-for', 'forwarded', 'via']) {
      const answer = await send(`${open.url}/wakelog/sync`, {
        method: 'POST',
        headers: { ...CBOR_HEADERS, [header]: '1' },
        body: syncBody(),
      });
      expect([header, answer.status, answer.code]).toEqual([header, 403, 'forbidden']);
    }
    await expect(wakelog({ dataDir: join(folder.path, 'never'), hosts: ['example.org'] })).rejects.toThrow(
      'without `authorize` everybody could read and write',
    );
  });

  test('CAP5 options that cannot be meant stop the start', async () => {
    const dataDir = join(folder.path, 'never');
    await expect(wakelog({ dataDir, mount: 'wakelog' })).rejects.toThrow('a path such as /wakelog');
    await expect(wakelog({ dataDir, collections: ['/api/tasks/'] })).rejects.toThrow('a path such as /wakelog');
    await expect(wakelog({ dataDir, maxLiveConnections: Number.NaN })).rejects.toThrow('maxLiveConnections');
    await expect(wakelog({ dataDir: '' })).rejects.toThrow('dataDir');
  });
});

test('CAP2 a body that the app parsed before is told to the operator, not waited for', async () => {
  const handler = await wakelog({
    dataDir: join(folder.path, 'parsed'),
    collections: ['/api/tasks'],
    log: createCollectingLog(lines),
  });
  const app = express().use(express.json(), handler).listen(0, '127.0.0.1');
  await once(app, 'listening');
  const { port } = app.address() as AddressInfo;
  const answer = await send(`http://127.0.0.1:${port}/api/tasks`, {
    method: 'POST',
    headers: JSON_HEADERS,
    body: '{}',
  });
  expect([answer.status, answer.code]).toEqual([500, 'internal']);
  const [line] = lines.filter(({ level }) => level === 'error');
  expect(inspect(line?.fields)).toContain('the app has to use wakelog before it');
  app.close();
  app.closeAllConnections();
  await handler.close();
});
