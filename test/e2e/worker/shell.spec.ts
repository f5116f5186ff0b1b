import { expect } from '@playwright/test';
import type { Page } from '@playwright/test';

import { playwrightChromium } from '../../platform/chromium.ts';
import { launchFirefox } from '../../platform/firefox.ts';
import { needsChromium, needsFirefox, test } from '../../platform/scenario.ts';
import './page-types.ts';
import { createWorkerSite } from './worker-site.ts';
import type { WorkerSite } from './worker-site.ts';

/** What a reader sees: the heading in the style sheet's colour, and the tasks that the page's first fetch got. */
async function look(page: Page): Promise<{ heading: string | null; colour: string; titles: string[] }> {
  const list = await page.evaluate(async () => (await window.first).json);
  return {
    heading: await page.textContent('h1'),
    colour: await page.$eval('h1', (heading) => getComputedStyle(heading).color),
    titles: (list as { title: string }[]).map(({ title }) => title),
  };
}

const SEEN = { heading: 'Tasks of ann', colour: 'rgb(0, 100, 0)', titles: ['kept'] };

async function visitOnce(page: Page, site: WorkerSite): Promise<void> {
  await page.goto(site.origin);
  await page.evaluate(() => window.controlled);
  await page.evaluate(() => window.call('PUT', '/api/tasks/1', { title: 'kept' }));
  // Warmed in the background after the first load, which came past the worker.
  await expect
    .poll(() =>
      page.evaluate(async () =>
        (await (await caches.open('wakelog-shell')).keys()).map(({ url }) => new URL(url).pathname).sort(),
      ),
    )
    .toEqual(['/', '/app.js', '/style.css', '/wakelog/wakelog.js']);
}

async function readWithoutNetwork(open: () => Promise<Page>, site: WorkerSite): Promise<void> {
  const page = await open();
  await visitOnce(page, site);
  await site.gate.set('refuse');
  await page.reload();
  expect(await look(page)).toEqual(SEEN);
  const deep = await open();
  await deep.goto(`${site.origin}/lists/today?sort=title#third`);
  expect(await look(deep)).toEqual(SEEN);
  const second = await open();
  await second.goto(`${site.origin}/?from=bookmark`);
  expect(await look(second)).toEqual(SEEN);
  await second.evaluate(() => window.call('PUT', '/api/tasks/2', { title: 'offline' }));
  await page.reload();
  expect((await look(page)).titles).toEqual(['kept', 'offline']);
}

test('CAP32 S2.8 Chromium: after one visit, reload, deep link and second tab work without a network, and after a restart', async ({
  scratch,
}) => {
  needsChromium();
  const site = await createWorkerSite(scratch);
  const profile = scratch.folder('chromium');
  const first = scratch.use(await playwrightChromium({ profile }), (it) => it.close());
  await readWithoutNetwork(() => first.newPage(), site);
  await first.close();
  const again = scratch.use(await playwrightChromium({ profile }), (it) => it.close());
  const page = await again.newPage();
  await page.goto(`${site.origin}/lists/later`);
  expect((await look(page)).titles).toEqual(['kept', 'offline']);
});

test('CAP32 S2.8 Firefox: after one visit, reload, deep link and second tab work without a network, and after a restart', async ({
  scratch,
}) => {
  needsFirefox();
  const site = await createWorkerSite(scratch);
  const profile = scratch.folder('firefox');
  const first = scratch.use(await launchFirefox({ profile }), (it) => it.close());
  await readWithoutNetwork(() => first.page(), site);
  await first.close();
  const again = scratch.use(await launchFirefox({ profile }), (it) => it.close());
  const page = await again.page(`${site.origin}/lists/later`);
  expect((await look(page)).titles).toEqual(['kept', 'offline']);
});

test('CAP32 CAP31 S2.7 Chromium: with a network that accepts and never answers, reads answer within 100 ms and pages open', async ({
  scratch,
}) => {
  needsChromium();
  const site = await createWorkerSite(scratch);
  const context = scratch.use(await playwrightChromium({ profile: scratch.folder('chromium') }), (it) => it.close());
  const page = await context.newPage();
  await visitOnce(page, site);
  await site.gate.set('stall');
  const times = await page.evaluate(async () => {
    const measured: number[] = [];
    for (let n = 0; n < 40; n++) {
      const before = performance.now();
      await window.call('GET', n % 2 === 0 ? '/api/tasks' : '/api/tasks/1');
      measured.push(performance.now() - before);
    }
    return measured.sort((a, b) => a - b);
  });
  expect(times[Math.floor(times.length * 0.95)]).toBeLessThan(100);
  const before = Date.now();
  const second = await context.newPage();
  await second.goto(`${site.origin}/lists/today`);
  expect(await look(second)).toEqual(SEEN);
  expect(Date.now() - before).toBeLessThan(8_000);
  await site.gate.set('pass');
});

test('CAP32 what is not the page itself is never kept: routes, answers of collections and APIs, errors, other sites', async ({
  scratch,
}) => {
  needsChromium();
  const site = await createWorkerSite(scratch);
  const context = scratch.use(await playwrightChromium({ profile: scratch.folder('chromium') }), (it) => it.close());
  const page = await context.newPage();
  await visitOnce(page, site);
  await page.reload();
  await page.evaluate(async (other) => {
    const load = (tag: 'img' | 'script', src: string): Promise<void> =>
      new Promise((resolve) => {
        const element = document.createElement(tag);
        element.addEventListener('load', () => resolve());
        element.addEventListener('error', () => resolve());
        element.src = src;
        document.body.append(element);
      });
    await window.call('GET', '/plain.json');
    await window.call('GET', '/wakelog/push/key');
    await load('script', '/missing.js');
    await load('img', `${other}/style.css`);
    await load('img', '/secret.svg');
  }, site.direct);
  const kept = await page.evaluate(async () =>
    (await (await caches.open('wakelog-shell')).keys()).map(({ url }) => new URL(url).pathname).sort(),
  );
  expect(kept).toEqual(['/', '/app.js', '/style.css', '/wakelog/wakelog.js']);
  expect(site.requests).toContain('GET /secret.svg');
});

test('CAP32 a site of a thousand files keeps two hundred, the latest', async ({ scratch }) => {
  needsChromium();
  const site = await createWorkerSite(scratch);
  const context = scratch.use(await playwrightChromium({ profile: scratch.folder('chromium') }), (it) => it.close());
  const page = await context.newPage();
  await visitOnce(page, site);
  await page.evaluate(async () => {
    for (let n = 0; n < 1_000; n += 20) {
      await Promise.all(
        Array.from(
          { length: 20 },
          (_, i) =>
            new Promise((resolve) => {
              const image = new Image();
              image.addEventListener('load', resolve);
              image.addEventListener('error', resolve);
              image.src = `/images/${n + i}.svg`;
            }),
        ),
      );
    }
  });
  await expect
    .poll(() => page.evaluate(async () => (await (await caches.open('wakelog-media')).keys()).length), {
      timeout: 20_000,
    })
    .toBe(200);
  const kept = await page.evaluate(async () =>
    (await caches.open('wakelog-media')).match('/images/999.svg').then((found) => found?.status),
  );
  expect(kept).toBe(200);
  await site.gate.set('refuse');
  await page.reload();
  expect(await look(page)).toEqual(SEEN);
});

/** What Firefox leaves of a cached file after a power cut: its place in the list, and no bytes. */
async function emptyFiles(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const cache = await caches.open('wakelog-shell');
    for (const request of await cache.keys()) {
      const kept = await cache.match(request);
      if (!request.url.endsWith('/')) await cache.put(request, new Response('', { headers: kept?.headers ?? {} }));
    }
  });
}

test('CAP32 Chromium: a kept file that lost its bytes in a power cut is fetched, and kept again', async ({
  scratch,
}) => {
  needsChromium();
  const site = await createWorkerSite(scratch);
  const context = scratch.use(await playwrightChromium({ profile: scratch.folder('chromium') }), (it) => it.close());
  const page = await context.newPage();
  await visitOnce(page, site);
  await emptyFiles(page);
  await page.reload();
  expect(await look(page)).toEqual(SEEN);
  await expect
    .poll(() => page.evaluate(async () => (await (await caches.match('/app.js'))?.text())?.length ?? 0))
    .toBeGreaterThan(0);
  await site.gate.set('refuse');
  await page.reload();
  expect(await look(page)).toEqual(SEEN);
});
