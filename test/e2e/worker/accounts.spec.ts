import { expect } from '@playwright/test';
import type { BrowserContext, Page } from '@playwright/test';

import { playwrightChromium } from '../../platform/chromium.ts';
import { needsChromium, test } from '../../platform/scenario.ts';
import './page-types.ts';
import { createWorkerSite, titlesAt } from './worker-site.ts';
import type { WorkerSite } from './worker-site.ts';

async function signIn(context: BrowserContext, site: WorkerSite, account: string): Promise<void> {
  await context.addCookies([{ name: 'account', value: account, url: site.origin }]);
}

async function openAs(context: BrowserContext, site: WorkerSite, account: string): Promise<Page> {
  await signIn(context, site, account);
  const page = await context.newPage();
  await page.goto(site.origin);
  await page.evaluate(() => window.controlled);
  return page;
}

const titles = (page: Page): Promise<string[]> =>
  page.evaluate(async () =>
    ((await window.call('GET', '/api/tasks')).json as { title: string }[]).map(({ title }) => title),
  );

test('CAP37 two accounts in one browser: neither sees nor sends what the other wrote, offline and side by side', async ({
  scratch,
}) => {
  needsChromium();
  const site = await createWorkerSite(scratch, {
    authorize: ({ headers }) => {
      const account = /account=(\w+)/.exec(headers.cookie ?? '')?.[1];
      return account === undefined ? undefined : { account, read: () => true, write: () => true };
    },
  });
  const context = scratch.use(await playwrightChromium({ profile: scratch.folder('chromium') }), (it) => it.close());
  const ann = await openAs(context, site, 'ann');
  await site.gate.set('refuse');
  await ann.evaluate(() => window.call('PUT', '/api/tasks/a', { title: 'of ann' }));
  expect(await titles(ann)).toEqual(['of ann']);
  // Before there is a network again, or hers would be sent in her own session, and come to him as to everybody.
  await signIn(context, site, 'bob');
  await site.gate.set('pass');

  // Bob signs in, in another tab: his page's very first request already is his.
  const bob = await openAs(context, site, 'bob');
  expect(await bob.textContent('h1')).toBe('Tasks of bob');
  expect(await titles(bob)).toEqual([]);
  await bob.evaluate(() => window.call('PUT', '/api/tasks/b', { title: 'of bob' }));
  expect(await titles(bob)).toEqual(['of bob']);
  const device = await site.device('carl');
  await expect.poll(() => titlesAt(device), { timeout: 20_000 }).toEqual(['of bob']);
  // Ann's tab is still open, and still hers; under Bob's session nothing of hers leaves.
  await ann.bringToFront();
  await ann.evaluate(() => window.dispatchEvent(new Event('focus')));
  expect(await titles(ann)).toContain('of ann');
  expect(await titlesAt(device)).toEqual(['of bob']);
  await bob.reload();
  expect(await bob.evaluate(async () => (await window.first).json)).toEqual([
    expect.objectContaining({ title: 'of bob' }),
  ]);

  await signIn(context, site, 'ann');
  await ann.reload();
  // Written without knowing of each other, so that the logs' names decide the order.
  const both = ['of ann', 'of bob'];
  await expect.poll(async () => (await titlesAt(device)).sort(), { timeout: 20_000 }).toEqual(both);
  await expect.poll(async () => (await titles(ann)).sort()).toEqual(both);
});

test('CAP37 leaving: without wiping, everything is there when the account comes back; with wiping, its database is gone', async ({
  scratch,
}) => {
  needsChromium();
  const site = await createWorkerSite(scratch);
  const context = scratch.use(await playwrightChromium({ profile: scratch.folder('chromium') }), (it) => it.close());
  const page = await openAs(context, site, 'ann');
  await site.gate.set('refuse');
  await page.evaluate(() => window.call('PUT', '/api/tasks/a', { title: 'kept' }));
  const leave = (wipe: boolean): Promise<unknown> =>
    page.evaluate(
      (all) =>
        new Promise((resolve) => {
          const { port1, port2 } = new MessageChannel();
          port1.addEventListener('message', ({ data }) => resolve(data));
          port1.start();
          const ask = { account: 'ann', space: 'tasks', wipe: all };
          navigator.serviceWorker.controller?.postMessage({ wakelog: 'leave', ask }, [port2]);
        }),
      wipe,
    );
  const databases = (): Promise<(string | undefined)[]> =>
    page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name));

  expect(await leave(false)).toEqual({ ok: null });
  await site.gate.set('pass');
  await page.reload();
  expect(await page.evaluate(async () => (await window.first).json)).toEqual([{ title: 'kept', id: 'a' }]);
  expect(await databases()).toContain('wakelog:["ann","tasks"]');
  await site.gate.set('refuse');
  expect(await leave(true)).toEqual({ ok: null });
  expect(await databases()).not.toContain('wakelog:["ann","tasks"]');
});
