import { expect } from '@playwright/test';
import type { BrowserContext, Page } from '@playwright/test';

import type { Connection } from '../../../client/index.ts';
import { launchFirefox } from '../../platform/firefox.ts';
import { launchChromium, playwrightChromium } from '../../platform/chromium.ts';
import { needsChromium, needsFirefox, test } from '../../platform/scenario.ts';
import { createPageSite } from './page-site.ts';

declare global {
  interface Window {
    connected: Promise<Connection>;
    connectNow: (more?: object) => Promise<Connection>;
    seen: string[][];
  }
}

/** Follows the notes in the page: `window.seen` lists every state that was shown. */
async function follow(page: Page): Promise<void> {
  await page.evaluate(async () => {
    window.seen = [];
    (await window.connected).collection<{ title: string }>('notes').subscribe((items) => {
      if (items !== undefined) window.seen.push(items.map(({ value }) => value.title));
    });
  });
}

const last = (page: Page): Promise<string[] | undefined> => page.evaluate(() => window.seen.at(-1));
const put = (page: Page, id: string, title: string): Promise<string> =>
  page.evaluate(
    async ([id, title]) => (await (await window.connected).collection('notes').put(id!, { title: title! })).id,
    [id, title],
  );

test.describe('Chromium', () => {
  let context: BrowserContext;

  test.beforeEach(async ({ scratch }) => {
    needsChromium();
    context = scratch.use(await playwrightChromium({ profile: scratch.folder('chromium') }), (it) => it.close());
  });

  test('PAGE1 S2.2 first visit and hard reload, no worker in control: writes arrive, changes show without a request', async ({
    scratch,
  }) => {
    const site = await createPageSite(scratch);
    const page = await context.newPage();
    await page.goto(`${site.origin}/app`);
    await follow(page);
    await put(page, '1', 'first visit');
    await expect.poll(() => last(page)).toEqual(['first visit']);

    const hard = await context.newCDPSession(page);
    const loaded = page.waitForEvent('load');
    await hard.send('Page.reload', { ignoreCache: true });
    await loaded;
    expect(await page.evaluate(() => navigator.serviceWorker.controller)).toBeNull();
    await follow(page);
    await put(page, '2', 'hard reload');
    await expect.poll(() => last(page)).toEqual(['first visit', 'hard reload']);

    const device = await site.device();
    await expect
      .poll(async () => {
        await device.sync();
        return (await device.collection<{ title: string }>('/api/notes').list()).map(({ value }) => value.title);
      })
      .toEqual(['first visit', 'hard reload']);
    await device.collection('/api/notes').put('3', { title: 'from elsewhere' });
    await device.sync();
    await expect.poll(() => last(page)).toEqual(['first visit', 'hard reload', 'from elsewhere']);
  });

  test('PAGE2 the worker is stopped again and again while a page writes: each write is there once', async ({
    scratch,
  }) => {
    const site = await createPageSite(scratch);
    const page = await context.newPage();
    await page.goto(`${site.origin}/app`);
    await follow(page);
    const control = await context.newCDPSession(page);
    await control.send('ServiceWorker.enable');
    const titles = Array.from({ length: 12 }, (_, number) => `write ${number}`);
    for (const [number, title] of titles.entries()) {
      const written = put(page, `id${number}`, title);
      if (number % 3 === 0) await control.send('ServiceWorker.stopAllWorkers');
      await written;
    }
    await expect.poll(() => last(page)).toEqual(titles);
    const device = await site.device();
    await expect
      .poll(async () => {
        await device.sync();
        return (await device.collection<{ title: string }>('/api/notes').list()).map(({ value }) => value.title);
      })
      .toEqual(titles);
    expect(await device.device.replica.view.collisions()).toEqual([]);
  });

  test('PAGE11 settled waits for the server, also when it is asked again after a reload', async ({ scratch }) => {
    const site = await createPageSite(scratch);
    const page = await context.newPage();
    await page.goto(`${site.origin}/app`);
    await put(page, '0', 'makes the worker meet the server');
    await site.gate.set('refuse');
    const id = await put(page, '1', 'kept');
    await expect
      .poll(() => page.evaluate(async () => (await window.connected).status.getSnapshot().unsent))
      .toBeGreaterThan(0);
    const verdict = page.evaluate(async (id) => (await window.connected).settled(id), id);
    await site.gate.set('pass');
    expect(await verdict).toEqual({ state: 'accepted' });
    await page.reload();
    expect(await page.evaluate(async (id) => (await window.connected).settled(id), id)).toEqual({ state: 'accepted' });
  });

  test('PAGE12 two tabs patch one item at the same time: both changes stay, and no conflict', async ({ scratch }) => {
    const site = await createPageSite(scratch);
    const [one, two] = [await context.newPage(), await context.newPage()];
    for (const page of [one, two]) await page.goto(`${site.origin}/app`);
    await put(one, '1', 'a');
    const patch = (page: Page, member: string): Promise<void> =>
      page.evaluate(async (member) => {
        const notes = (await window.connected).collection('notes');
        for (let count = 0; count < 10; count++) await notes.patch('1', { [`${member}${count}`]: count });
      }, member);
    await Promise.all([patch(one, 'x'), patch(two, 'y')]);
    const item = await two.evaluate(async () => (await window.connected).collection('notes').get('1'));
    expect(Object.keys(item?.value ?? {})).toHaveLength(21);
    expect(item).toMatchObject({ conflict: false, incomplete: false });
    await expect(
      one.evaluate(async () => (await window.connected).collection('notes').patch('none', { a: 1 })),
    ).rejects.toThrow('not-found');
  });

  test('PAGE4 append writes several keys as one entry, with explicit parents; a conflict is shown as one', async ({
    scratch,
  }) => {
    const site = await createPageSite(scratch);
    const page = await context.newPage();
    await page.goto(`${site.origin}/app`);
    const shown = await page.evaluate(async () => {
      const { append, collection } = await window.connected;
      const notes = collection('notes');
      const { id: first } = await append({
        writes: [
          { key: notes.key('a'), value: 1 },
          { key: notes.key('b'), value: 2 },
        ],
        events: [{ type: 'made' }],
      });
      await append({ writes: [{ key: notes.key('a'), value: 'left', parents: [first] }] });
      await append({ writes: [{ key: notes.key('a'), value: 'right', parents: [first] }] });
      return (await notes.list()).map(({ id, value, conflict, versions }) => [id, value, conflict, versions.length]);
    });
    expect(shown).toEqual([
      ['a', expect.stringMatching(/left|right/), true, 2],
      ['b', 2, false, 1],
    ]);
  });

  test('PAGE13 storage is asked for once, after the first write', async ({ scratch }) => {
    const site = await createPageSite(scratch);
    await context.addInitScript(() => {
      const { storage } = navigator;
      const persist = storage.persist.bind(storage);
      storage.persist = () => {
        localStorage.setItem('asked', String(Number(localStorage.getItem('asked') ?? 0) + 1));
        return persist();
      };
    });
    const page = await context.newPage();
    const asked = (): Promise<string | null> => page.evaluate(() => localStorage.getItem('asked'));
    await page.goto(`${site.origin}/app`);
    await page.evaluate(async () => (await window.connected).collection('notes').list());
    expect(await asked()).toBeNull();
    await put(page, '1', 'a');
    await expect.poll(asked).toBe('1');
    await page.reload();
    await put(page, '2', 'b');
    await follow(page);
    await expect.poll(() => last(page)).toEqual(['a', 'b']);
    expect(await asked()).toBe('1');
  });

  test('PAGE10 the server wants a sign-in: the hook is asked, and what was written before is sent', async ({
    scratch,
  }) => {
    const site = await createPageSite(scratch, {
      authorize: ({ headers }) =>
        headers.authorization === 'Bearer good' ? { account: 'ann', read: () => true, write: () => true } : undefined,
    });
    const page = await context.newPage();
    await page.goto(`${site.origin}/app?wait`);
    await page.evaluate(() => {
      let token = 'bad';
      window.connected = window.connectNow({
        auth: () => {
          const headers = { authorization: `Bearer ${token}` };
          token = 'good';
          return Promise.resolve(headers);
        },
      });
    });
    const id = await put(page, '1', 'before the sign-in');
    expect(await page.evaluate(async (id) => (await window.connected).settled(id), id)).toEqual({ state: 'accepted' });
  });
});

test('PAGE1 PAGE3 Firefox: two tabs, a write in one is in the other, with the server away too', async ({ scratch }) => {
  needsFirefox();
  const site = await createPageSite(scratch);
  const firefox = scratch.use(await launchFirefox({ profile: scratch.folder('firefox') }), (it) => it.close());
  const [one, two] = [await firefox.page(`${site.origin}/app`), await firefox.page(`${site.origin}/app`)];
  for (const page of [one, two]) await follow(page);
  await put(one, '1', 'one');
  await put(two, '2', 'two');
  for (const page of [one, two]) await expect.poll(() => last(page)).toEqual(['one', 'two']);
  await site.gate.set('refuse');
  await one.evaluate(async () =>
    (await window.connected).append({ writes: [{ key: '/api/notes/3', value: { title: 'offline' } }] }),
  );
  for (const page of [one, two]) await expect.poll(() => last(page)).toEqual(['one', 'two', 'offline']);
});

test('PAGE5 Chromium: a visible page keeps its worker at work past the 30 s after which idle ones are stopped', async ({
  scratch,
}) => {
  needsChromium();
  const site = await createPageSite(scratch);
  const chromium = scratch.use(await launchChromium({ profile: scratch.folder('chromium') }), (it) => it.kill());
  const page = await chromium.page(`${site.origin}/app`);
  await page.eval(`connected.then(() => 'ready')`);
  // Long enough for an idle worker to be stopped, which the second half proves.
  await page.eval(`new Promise((resolve) => setTimeout(resolve, 36_000))`);
  expect(await chromium.workers.list()).toMatchObject([{ running: 'running' }]);
  await page.eval(`connected.then(({ close }) => close())`);
  await expect.poll(async () => (await chromium.workers.list())[0]?.running, { timeout: 60_000 }).toBe('stopped');
});
