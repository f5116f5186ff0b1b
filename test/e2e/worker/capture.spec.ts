import { expect } from '@playwright/test';
import type { Page } from '@playwright/test';

import { playwrightChromium } from '../../platform/chromium.ts';
import { launchFirefox } from '../../platform/firefox.ts';
import { needsChromium, needsFirefox, test } from '../../platform/scenario.ts';
import type { Answer } from './page-types.ts';
import { createWorkerSite, titlesAt } from './worker-site.ts';
import type { WorkerSite } from './worker-site.ts';

type Call = (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Answer>;

async function openPage(page: Page, site: WorkerSite): Promise<Call> {
  await page.goto(site.origin);
  await page.evaluate(() => window.controlled);
  return (method, path, body, headers) =>
    page.evaluate(([m, p, b, h]) => window.call(m, p, b, h), [method, path, body, headers] as const);
}

/** The page's own fetch, with no server in reach. */
async function workWithoutServer(page: Page, site: WorkerSite): Promise<void> {
  const call = await openPage(page, site);
  await site.gate.set('refuse');
  const seen = site.requests.length;

  const created = await call('POST', '/api/tasks', { title: 'one' });
  expect(created).toMatchObject({ status: 201, json: { title: 'one' }, headers: { 'wakelog-queued': 'true' } });
  const path = created.headers['location'] ?? '';
  expect(path).toMatch(/^\/api\/tasks\/[\w-]{36}$/);
  expect(await call('PUT', '/api/tasks/second', { title: 'two' })).toMatchObject({ status: 201 });
  expect(await call('PATCH', '/api/tasks/second', { done: true })).toMatchObject({
    status: 200,
    json: { title: 'two', done: true, id: 'second' },
  });
  const read = await call('GET', path);
  expect(read).toMatchObject({ status: 200, json: { title: 'one' } });
  const etag = read.headers['etag'] ?? '';
  expect((await call('GET', path, undefined, { 'if-none-match': etag })).status).toBe(304);
  expect((await call('PUT', path, { title: 'one again' }, { 'if-match': etag })).status).toBe(200);
  expect(await call('PUT', path, { title: 'late' }, { 'if-match': etag })).toMatchObject({
    status: 412,
    json: { error: 'precondition-failed' },
  });
  const head = await call('HEAD', path);
  expect([head.status, head.text]).toEqual([200, '']);
  expect(await call('OPTIONS', '/api/tasks')).toMatchObject({
    status: 204,
    headers: { allow: 'GET, HEAD, POST, OPTIONS' },
  });
  expect((await call('PUT', '/api/tasks/third', { title: 'three' })).status).toBe(201);
  expect((await call('DELETE', '/api/tasks/third')).status).toBe(204);
  expect((await call('GET', '/api/tasks/third')).status).toBe(404);
  expect(await call('POST', '/api/tasks', { id: 'second' })).toMatchObject({
    status: 409,
    json: { error: 'already-exists' },
  });
  const twice = await Promise.all(
    [1, 2].map(() => call('POST', '/api/tasks', { title: 'twice' }, { 'idempotency-key': 'click' })),
  );
  expect(twice.map(({ status, headers }) => [status, headers['location']])).toEqual(
    [1, 2].map(() => [201, twice[0]?.headers['location']]),
  );
  const list = (await call('GET', '/api/tasks')).json as { title: string }[];
  expect(list.map(({ title }) => title)).toEqual(['one again', 'two', 'twice']);
  // A round that was under way when the server went away may be noted late.
  expect(site.requests.slice(seen).filter((request) => request !== 'POST /wakelog/sync')).toEqual([]);

  await site.gate.set('pass');
  const device = await site.device();
  await page.evaluate(() => window.dispatchEvent(new Event('focus')));
  await expect.poll(() => titlesAt(device), { timeout: 30_000 }).toEqual(['one again', 'two', 'twice']);
  await expect.poll(async () => (await call('GET', '/api/tasks')).headers['wakelog-queued']).toBeUndefined();
  expect(site.requests.filter((request) => request.includes('/api/tasks')).length).toBeLessThanOrEqual(1);
}

function jsonOr(text: string): unknown {
  return text.startsWith('{') ? JSON.parse(text) : text;
}

/** What is no collection's reaches the server as the page sent it. */
async function passThrough(page: Page, site: WorkerSite): Promise<void> {
  const call = await openPage(page, site);
  expect((await call('GET', '/api/tasks')).status).toBe(200);
  const seen = site.requests.length;
  for (const [method, path] of [
    ['PROPFIND', '/api/tasks'],
    ['DELETE', '/api/tasks'],
    ['GET', '/api/tasks/1/notes'],
  ] as const) {
    const direct = await fetch(site.direct + path, { method });
    const through = await call(method, path);
    expect([through.status, through.json ?? through.text], method).toEqual([
      direct.status,
      jsonOr(await direct.text()),
    ]);
  }
  expect((await call('GET', '/plain.json')).json).toEqual({ from: 'server' });
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'REPORT']) {
    const { json } = await call(method, '/echo', { sent: method });
    expect(json).toEqual({ method, body: JSON.stringify({ sent: method }) });
  }
  const passed = site.requests.slice(seen).filter((request) => !request.includes('/wakelog/'));
  const asked = ['PROPFIND /api/tasks', 'DELETE /api/tasks', 'GET /api/tasks/1/notes'];
  expect(passed).toEqual([
    // Once by the test itself, once through the worker.
    ...asked.flatMap((request) => [request, request]),
    'GET /plain.json',
    ...['POST', 'PUT', 'PATCH', 'DELETE', 'REPORT'].map((method) => `${method} /echo`),
  ]);
}

test('CAP31 S2.1 S2.8 Chromium: a page works with its collection by fetch alone, without a server, and is sent later', async ({
  scratch,
}) => {
  needsChromium();
  const site = await createWorkerSite(scratch);
  const context = scratch.use(await playwrightChromium({ profile: scratch.folder('chromium') }), (it) => it.close());
  await workWithoutServer(await context.newPage(), site);
});

test('CAP31 S2.1 S2.8 Firefox: a page works with its collection by fetch alone, without a server, and is sent later', async ({
  scratch,
}) => {
  needsFirefox();
  const site = await createWorkerSite(scratch);
  const firefox = scratch.use(await launchFirefox({ profile: scratch.folder('firefox') }), (it) => it.close());
  await workWithoutServer(await firefox.page(), site);
});

test('CAP31 S2.1 Chromium: other paths and methods pass through untouched', async ({ scratch }) => {
  needsChromium();
  const site = await createWorkerSite(scratch);
  const context = scratch.use(await playwrightChromium({ profile: scratch.folder('chromium') }), (it) => it.close());
  await passThrough(await context.newPage(), site);
});

test('CAP31 S2.1 Firefox: other paths and methods pass through untouched', async ({ scratch }) => {
  needsFirefox();
  const site = await createWorkerSite(scratch);
  const firefox = scratch.use(await launchFirefox({ profile: scratch.folder('firefox') }), (it) => it.close());
  await passThrough(await firefox.page(), site);
});
