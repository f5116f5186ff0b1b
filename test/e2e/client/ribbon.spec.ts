import { expect } from '@playwright/test';
import type { BrowserContext, Locator, Page } from '@playwright/test';

import type { NodeDevice } from '../../../server/device/index.ts';
import { playwrightChromium } from '../../platform/chromium.ts';
import { launchFirefox } from '../../platform/firefox.ts';
import { needsChromium, needsFirefox, test } from '../../platform/scenario.ts';
import { COLLECTION, createPageSite } from './page-site.ts';
import type { PageSite } from './page-site.ts';

const ribbon = (page: Page): Locator => page.locator('wakelog-ribbon');
const ribbonButton = (page: Page): Locator => ribbon(page).getByRole('button');
const titles = (page: Page): Promise<string[]> => page.evaluate('titles()');

async function writeElsewhere(device: NodeDevice, ...ids: string[]): Promise<void> {
  for (const id of ids) await device.collection(COLLECTION).put(id, { title: `elsewhere ${id}` });
  expect(await device.sync()).toBe('level');
}

/** Opens a page and waits until its worker controls it and has met the server. */
async function openPage(context: BrowserContext, site: PageSite, path: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(site.origin + path);
  await page.evaluate('navigator.serviceWorker.ready.then(() => wakelog)');
  await expect.poll(() => page.evaluate('navigator.serviceWorker.controller !== null')).toBe(true);
  await expect
    .poll(() => page.evaluate('wakelog.then(({ status }) => status.getSnapshot().lastSynced !== null)'))
    .toBe(true);
  return page;
}

test.describe('Chromium', () => {
  let context: BrowserContext;
  let site: PageSite;

  test.beforeEach(async ({ scratch }) => {
    needsChromium();
    context = scratch.use(await playwrightChromium({ profile: scratch.folder('chromium') }), (it) => it.close());
    site = await createPageSite(scratch);
  });

  test('PAGE6 S5.10 what others wrote waits under one ribbon with the right count, own writes go on, accepting works offline', async () => {
    const device = await site.device();
    await writeElsewhere(device, 'old');
    const [one, two] = [await openPage(context, site, '/handler'), await openPage(context, site, '/handler')];
    await expect.poll(() => titles(one)).toEqual(['elsewhere old']);

    await writeElsewhere(device, 'a');
    for (const page of [one, two]) await expect(ribbon(page)).toContainText('You have 1 new update');
    await writeElsewhere(device, 'b', 'c');
    for (const page of [one, two]) await expect(ribbon(page)).toContainText('You have 3 new updates');
    await one.evaluate(`write('own', 'mine')`);
    await one.evaluate(`write('old', 'mine too')`);
    for (const page of [one, two]) await expect.poll(() => titles(page)).toEqual(['mine too', 'mine']);

    await site.gate.set('refuse');
    await ribbonButton(one).click();
    for (const page of [one, two]) {
      await expect
        .poll(async () => (await titles(page)).toSorted())
        .toEqual(['elsewhere a', 'elsewhere b', 'elsewhere c', 'mine', 'mine too']);
      await expect(ribbon(page)).not.toHaveAttribute('shown');
    }
    const keys = ['a', 'b', 'c'].map((id) => `${COLLECTION}/${id}`);
    for (const page of [one, two]) {
      await expect.poll(() => page.evaluate(`[...new Set(updates.flat())].toSorted()`)).toEqual(keys);
      expect(await page.evaluate('performance.getEntriesByType("navigation").length')).toBe(1);
    }
  });

  test('PAGE6 a page without a handler reloads at the click, never by itself; its other tab says that it shows old content', async () => {
    const device = await site.device();
    await writeElsewhere(device, 'old');
    const [one, two] = [await openPage(context, site, '/'), await openPage(context, site, '/')];
    for (const page of [one, two]) await page.evaluate('window.sameDocument = true');
    await writeElsewhere(device, 'new');
    for (const page of [one, two]) await expect(ribbon(page)).toContainText('You have 1 new update');
    expect(await one.evaluate('window.sameDocument')).toBe(true);

    await Promise.all([one.waitForEvent('load'), ribbonButton(one).click()]);
    await expect(one.locator('li')).toHaveText(['elsewhere old', 'elsewhere new']);
    await expect(ribbon(two)).toContainText('This page has newer content');
    expect(await two.evaluate('window.sameDocument')).toBe(true);
    await Promise.all([two.waitForEvent('load'), ribbonButton(two).click()]);
    await expect(two.locator('li')).toHaveText(['elsewhere old', 'elsewhere new']);
    await expect(ribbon(two)).not.toHaveAttribute('shown');
  });

  test('PAGE6 a screen reader and a keyboard reach the ribbon, and the focus goes back to where it was', async () => {
    const page = await openPage(context, site, '/handler');
    await page.evaluate(() => document.body.insertAdjacentHTML('afterbegin', '<button id="mine">Mine</button>'));
    await expect(ribbon(page)).toHaveCount(1);
    await expect(page.locator('body')).toMatchAriaSnapshot(`
      - button "Mine"
      - status
    `);
    await writeElsewhere(await site.device(), 'a', 'b');
    await expect(page.locator('body')).toMatchAriaSnapshot(`
      - button "Mine"
      - status: You have 2 new updates
      - button "Show"
    `);
    expect(
      await ribbon(page).evaluate((it) => it.shadowRoot?.querySelector('[role=status]')?.getAttribute('aria-live')),
    ).toBe('polite');
    await page.locator('#mine').focus();
    await page.keyboard.press('Tab');
    await expect(ribbonButton(page)).toBeFocused();
    await page.keyboard.press('Enter');
    await expect(ribbon(page)).not.toHaveAttribute('shown');
    await expect(page.locator('#mine')).toBeFocused();
    expect((await titles(page)).toSorted()).toEqual(['elsewhere a', 'elsewhere b']);
  });

  test('PAGE6 a page brings its own ribbon, with its own words and looks', async () => {
    const page = await openPage(context, site, '/handler');
    await page.evaluate(() => {
      document.querySelector('wakelog-ribbon')?.remove();
      document.head.insertAdjacentHTML(
        'beforeend',
        '<style>wakelog-ribbon::part(button) { color: rgb(1, 2, 3) }</style>',
      );
      document.body.insertAdjacentHTML(
        'beforeend',
        '<wakelog-ribbon text-one="Eine Neuigkeit" text-many="{count} Neuigkeiten" accept="Zeigen"></wakelog-ribbon>',
      );
    });
    await page.evaluate(
      'wakelog.then((connection) => { document.querySelector("wakelog-ribbon").connection = connection; })',
    );
    await writeElsewhere(await site.device(), 'a', 'b');
    await expect(ribbon(page).getByRole('status')).toHaveText('2 Neuigkeiten');
    await expect(ribbonButton(page)).toHaveText('Zeigen');
    await expect(ribbonButton(page)).toHaveCSS('color', 'rgb(1, 2, 3)');
  });

  test('PAGE2 PAGE6 a new version of the worker takes over: the old tab is told, is not reloaded, and goes on', async () => {
    const [one, two] = [await openPage(context, site, '/'), await openPage(context, site, '/')];
    for (const page of [one, two]) await page.evaluate('window.sameDocument = true');
    await one.evaluate(`write('1', 'before')`);
    // Another address is another version, which is what a changed setting makes as well.
    await two.evaluate(async () => {
      const present = navigator.serviceWorker.controller?.scriptURL ?? '';
      const taken = new Promise((resolve) => navigator.serviceWorker.addEventListener('controllerchange', resolve, { once: true }));
      await navigator.serviceWorker.register(`${present}&version=2`, { scope: '/', updateViaCache: 'none' });
      await taken;
    });
    await expect(ribbon(one)).toContainText('A new version of this page is ready');
    await expect(ribbonButton(one)).toHaveText('Reload');
    await one.evaluate(`write('2', 'after')`);
    for (const page of [one, two]) {
      await expect.poll(() => titles(page)).toEqual(['before', 'after']);
      expect(await page.evaluate('window.sameDocument')).toBe(true);
    }
    const appended = await one.evaluate(`wakelog.then(({ append }) => append({ writes: [{ key: '${COLLECTION}/3', value: { title: 'by message' } }] }))`);
    expect(appended).toMatchObject({ sequence: expect.any(Number) });
    expect(await titles(two)).toEqual(['before', 'after', 'by message']);
  });

  test('PAGE1 PAGE6 a first visit shows what the server gave and calls none of it new', async () => {
    await writeElsewhere(await site.device(), 'a', 'b');
    const page = await openPage(context, site, '/');
    await expect(page.locator('li')).toHaveText(['elsewhere a', 'elsewhere b']);
    await expect.poll(() => titles(page)).toEqual(['elsewhere a', 'elsewhere b']);
    await expect(ribbon(page)).toHaveCount(1);
    await expect(ribbon(page)).not.toHaveAttribute('shown');
  });
});

test('PAGE6 S5.10 Firefox: the ribbon waits, and shows at the click', async ({ scratch }) => {
  needsFirefox();
  const site = await createPageSite(scratch);
  const firefox = scratch.use(await launchFirefox({ profile: scratch.folder('firefox') }), (it) => it.close());
  const page = await openPage(firefox.context, site, '/handler');
  await writeElsewhere(await site.device(), 'a', 'b');
  await expect(ribbon(page)).toContainText('You have 2 new updates');
  expect(await titles(page)).toEqual([]);
  await ribbonButton(page).click();
  await expect.poll(async () => (await titles(page)).toSorted()).toEqual(['elsewhere a', 'elsewhere b']);
});
