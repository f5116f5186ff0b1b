import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';

import { createRestClient } from '../../../client/engine/rest-client.ts';

type Handler = (request: IncomingMessage, response: ServerResponse, number: number) => void;

const ends: (() => void)[] = [];

afterEach(() => {
  for (const end of ends.splice(0)) end();
});

async function serve(handler: Handler): Promise<{ readonly url: string; readonly seen: IncomingMessage[] }> {
  const seen: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    seen.push(request);
    handler(request, response, seen.length);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ends.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/tasks`, seen };
}

function json(response: ServerResponse, status: number, value: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(value));
}

test('PAGE7 what did not arrive is sent again under the same Idempotency-Key, and the ETag names the versions', async () => {
  const { url, seen } = await serve((request, response, number) => {
    if (number === 1) request.socket.destroy();
    else if (number === 2) json(response, 503, { error: 'busy', message: 'later' });
    else json(response, 201, { id: '1' }, { etag: '"v1,v2"' });
  });
  const states: string[] = [];
  const client = createRestClient(undefined, ({ connection }) => states.push(connection));
  await expect(client.send('PUT', url, {}, { title: 'a' })).resolves.toEqual({ value: { id: '1' }, ids: ['v1', 'v2'] });
  expect(new Set(seen.map(({ headers }) => headers['idempotency-key'])).size).toBe(1);
  expect(seen[0]?.headers['idempotency-key']).toMatch(/^[0-9a-f]{32}$/);
  expect(states).toEqual(['offline', 'waiting', 'live']);
});

test('PAGE7 PAGE10 a 401 asks the auth hook once more, and the request goes again with its headers', async () => {
  const { url, seen } = await serve(({ headers }, response) => {
    if (headers.authorization === 'Bearer 2') json(response, 200, []);
    else json(response, 401, { error: 'unauthenticated', message: 'sign in first' });
  });
  let asked = 0;
  const client = createRestClient(
    () => Promise.resolve({ authorization: `Bearer ${++asked}` }),
    () => {},
  );
  await expect(client.send('GET', url)).resolves.toEqual({ value: [], ids: [] });
  await client.send('GET', url);
  expect(seen.map(({ headers }) => headers.authorization)).toEqual(['Bearer 1', 'Bearer 2', 'Bearer 2']);
});

test('PAGE7 no sign-in to be had: the state says so, and the caller gets the code', async () => {
  const { url } = await serve((_request, response) =>
    json(response, 401, { error: 'unauthenticated', message: 'sign in first' }),
  );
  const states: string[] = [];
  const client = createRestClient(undefined, ({ connection }) => states.push(connection));
  await expect(client.send('GET', url)).rejects.toMatchObject({ code: 'unauthenticated', message: 'sign in first' });
  expect(states).toEqual(['needs-auth']);
});

test('PAGE7 the page of a captive portal is no answer: nothing counts as written', async () => {
  const { url } = await serve((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' });
    response.end('<h1>Welcome to the hotel</h1>');
  });
  const client = createRestClient(undefined, () => {});
  await expect(client.send('PUT', url, {}, { title: 'a' })).rejects.toMatchObject({ code: 'internal' });
});

test('PAGE7 a refusal from the closed table is passed on at once', async () => {
  const { url, seen } = await serve((_request, response) =>
    json(response, 412, { error: 'precondition-failed', message: 'changed' }),
  );
  const client = createRestClient(undefined, () => {});
  await expect(client.send('DELETE', url, { 'if-match': '"v1"' })).rejects.toMatchObject({
    code: 'precondition-failed',
  });
  expect(seen).toHaveLength(1);
});
