import { expect } from '@playwright/test';

import { grantNotifications, launchChromium } from '../../platform/chromium.ts';
import { needsChromium, test } from '../../platform/scenario.ts';
import './page-types.ts';
import { createWorkerSite, titlesAt } from './worker-site.ts';

test('CAP33 a worker that is stopped between any two requests goes on; SIGKILL of the browser loses nothing it answered', async ({
  scratch,
}) => {
  needsChromium();
  const site = await createWorkerSite(scratch);
  const profile = scratch.folder('chromium');
  const first = scratch.use(await launchChromium({ profile }), (it) => it.kill());
  const page = await first.page(site.origin);
  await page.eval('controlled');
  await page.eval(`call('PUT', '/api/tasks/0', { title: 'task 0' })`);
  const device = await site.device();
  await expect.poll(() => titlesAt(device)).toEqual(['task 0']);
  await site.gate.set('refuse');
  await page.send('ServiceWorker.enable');
  // The page's stream and its other requests start it again at once: it is stopped in the middle of whatever it does.
  const stop = (): Promise<unknown> => page.send('ServiceWorker.stopAllWorkers');
  for (let n = 1; n <= 4; n++) {
    await stop();
    const put = await page.eval<{ status: number }>(`call('PUT', '/api/tasks/${n}', { title: 'task ${n}' })`);
    expect(put.status).toBe(201);
  }
  const kept = ['task 0', 'task 1', 'task 2', 'task 3', 'task 4'];
  const once = `call('POST', '/api/tasks', { title: 'once' }, { 'idempotency-key': 'a' })`;
  const posted = await page.eval<{ headers: { location: string } }>(once);
  await stop();
  expect((await page.eval<{ headers: { location: string } }>(once)).headers.location).toBe(posted.headers.location);
  await first.kill();

  const again = scratch.use(await launchChromium({ profile }), (it) => it.kill());
  const tab = await again.page(site.origin);
  const list = await tab.eval<{ json: { title: string }[] }>(`first`);
  expect(list.json.map(({ title }) => title)).toEqual([...kept, 'once']);
  await tab.close();
  await again.workers.stopAll();

  // With no tab open, the browser's alarm alone: the worker knows whose entries these are and sends them.
  await site.gate.set('pass');
  await again.workers.deliverSync(`${site.origin}/`, 'workbox-background-sync:wakelog');
  await expect.poll(() => titlesAt(device), { timeout: 20_000 }).toEqual([...kept, 'once']);
  expect(device.device.replica.view.conflicted()).toEqual([]);
});

test('CAP34 S5.9 a push without a tab: the worker pulls, shows one notification, replaced by the next; the page has it all offline', async ({
  scratch,
}) => {
  needsChromium();
  const site = await createWorkerSite(scratch);
  const profile = scratch.folder('chromium');
  grantNotifications(profile, site.origin);
  const chromium = scratch.use(await launchChromium({ profile }), (it) => it.kill());
  const page = await chromium.page(site.origin);
  await page.eval('controlled');
  await page.eval(`call('PUT', '/api/tasks/0', { title: 'mine' })`);
  await page.close();
  // A worker that is still listening for the page would take the first entries as seen by it.
  await chromium.workers.stopAll();
  const device = await site.device();
  await device.sync();
  for (let n = 1; n <= 50; n++) await device.collection('/api/tasks').put(`b${n}`, { title: `task ${n}` });
  await device.sync();
  await chromium.workers.stopAll();
  await chromium.workers.deliverPush(`${site.origin}/`, 'pull');
  await chromium.workers.deliverPush(`${site.origin}/`, 'nothing to see in a payload');
  const seen = site.requests.length;
  await expect
    .poll(() => site.requests.slice(0, seen + 99).filter((request) => request === 'POST /wakelog/sync').length)
    .toBeGreaterThan(3);

  const shown = `navigator.serviceWorker.ready.then((it) => it.getNotifications()).then((all) => all.map(({ title, body }) => [title, body]))`;
  const other = await chromium.page(`${site.direct}/app.js`); // another origin: no tab of the site is open
  await chromium.workers.deliverPush(`${site.origin}/`, 'late');
  await other.close();
  await site.gate.set('refuse');
  // A frame without the site's script looks at the notifications, since the page itself would close them.
  const look = await chromium.page(`${site.origin}/style.css`);
  await expect.poll(() => look.eval(shown), { timeout: 20_000 }).toEqual([['Tasks', '50 changed']]);
  await look.close();
  const opened = await chromium.page(site.origin);
  const list = await opened.eval<{ json: { title: string }[] }>(`first`);
  expect(list.json).toHaveLength(51);
  await expect.poll(() => opened.eval(shown)).toEqual([]);
});

test('CAP35 a new version of the worker takes over with pages and streams open: no reload, no error, no request lost', async ({
  scratch,
}) => {
  needsChromium();
  const site = await createWorkerSite(scratch);
  const chromium = scratch.use(await launchChromium({ profile: scratch.folder('chromium') }), (it) => it.kill());
  const tabs = [await chromium.page(site.origin), await chromium.page(site.origin)] as const;
  for (const tab of tabs) await tab.eval('controlled');
  const [page] = tabs;
  // Each tab holds a stream of the old version, as the script tag does.
  const open = `fetch('/wakelog/updates?account=ann&space=tasks').then((answer) => (window.stream = answer.body.getReader()).read()).then(({ done }) => done)`;
  for (const tab of tabs) expect(await tab.eval(open)).toBe(false);
  const ended = tabs.map((tab) => tab.eval('stream.read().then(({ done }) => done)'));
  await page.eval(`window.before = navigator.serviceWorker.controller;
    window.writing = (async () => {
      const statuses = [];
      for (let n = 0; n < 200; n++) statuses.push((await call('PUT', '/api/tasks/' + n, { title: 'task ' + n })).status);
      return statuses;
    })(); true`);
  site.releaseWorker();
  const from = Date.now();
  await page.eval(`navigator.serviceWorker.getRegistration().then((it) => it.update()).then(() => true)`);
  for (const tab of tabs) {
    await tab.until(
      `navigator.serviceWorker.controller !== null && (window.changed ??= navigator.serviceWorker.controller.state) === 'activated'`,
      20_000,
    );
  }
  await page.until('navigator.serviceWorker.controller !== before', 20_000);
  expect(Date.now() - from).toBeLessThan(20_000); // held up by anything, the change takes browsers minutes
  expect(await Promise.all(ended)).toEqual([true, true]);
  expect(await page.eval<number[]>('writing')).toEqual(Array.from({ length: 200 }, () => 201));
  for (const tab of tabs) {
    expect(await tab.eval('[loads, errors]')).toEqual([1, []]);
    expect((await tab.eval<{ json: unknown[] }>(`call('GET', '/api/tasks')`)).json).toHaveLength(200);
    expect(await tab.eval(open)).toBe(false);
  }
  const device = await site.device();
  await expect.poll(async () => (await titlesAt(device)).length, { timeout: 20_000 }).toBe(200);
  expect(device.device.replica.view.conflicted()).toEqual([]);
});

test('CAP36 the browser empties the storage: pages read again, nothing passes for level, and writing goes on', async ({
  scratch,
}) => {
  needsChromium();
  const site = await createWorkerSite(scratch);
  const chromium = scratch.use(await launchChromium({ profile: scratch.folder('chromium') }), (it) => it.kill());
  const page = await chromium.page(site.origin);
  await page.eval('controlled');
  await page.eval(`call('PUT', '/api/tasks/sent', { title: 'sent' })`);
  const device = await site.device();
  await expect.poll(() => titlesAt(device)).toEqual(['sent']);
  await site.gate.set('refuse');
  await page.eval(`call('PUT', '/api/tasks/lost', { title: 'lost' })`);
  await page.eval(
    `window.hints = []; new BroadcastChannel('wakelog:["ann","tasks"]').onmessage = ({ data }) => hints.push(data.type); true`,
  );
  await page.send('Storage.clearDataForOrigin', { origin: site.origin, storageTypes: 'indexeddb' });
  await page.until(`hints.includes('reset')`);
  const list = await page.eval<{ json: unknown }>(`call('GET', '/api/tasks')`);
  expect(list.json).toEqual([]);
  expect((await page.eval<{ status: number }>(`call('PUT', '/api/tasks/new', { title: 'new' })`)).status).toBe(201);
  await site.gate.set('pass');
  await page.eval(`dispatchEvent(new Event('focus')); true`);
  await expect.poll(() => titlesAt(device), { timeout: 30_000 }).toHaveLength(2);
  expect(new Set(await titlesAt(device))).toEqual(new Set(['sent', 'new']));
  await page.until(`call('GET', '/api/tasks').then(({ json }) => json.length === 2)`, 20_000);
});

test('CAP31 a browser whose WebCrypto has no Ed25519 gets the worker that signs in JavaScript, and servers take what it signs', async ({
  scratch,
}) => {
  needsChromium();
  const site = await createWorkerSite(scratch);
  const chromium = scratch.use(await launchChromium({ profile: scratch.folder('chromium') }), (it) => it.kill());
  const page = await chromium.page();
  await page.send('Page.addScriptToEvaluateOnNewDocument', {
    source: `crypto.subtle.generateKey = () => Promise.reject(new DOMException('none', 'NotSupportedError'));`,
  });
  await page.goto(site.origin);
  await page.eval('controlled');
  expect(await page.eval('navigator.serviceWorker.controller.scriptURL')).toContain('/wakelog/sw-ed25519.js?');
  const put = await page.eval<{ status: number }>(`call('PUT', '/api/tasks/0', { title: 'signed in JavaScript' })`);
  expect(put.status).toBe(201);
  const device = await site.device();
  await expect.poll(() => titlesAt(device), { timeout: 20_000 }).toEqual(['signed in JavaScript']);
  await device.collection('/api/tasks').put('1', { title: 'checked in JavaScript' });
  await device.sync();
  await page.until(`call('GET', '/api/tasks').then(({ json }) => json.length === 2)`, 20_000);
});
