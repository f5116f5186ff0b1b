import { mkdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from '@playwright/test';
import type { Page } from '@playwright/test';

import { openDevice } from '../../../server/device/index.ts';
import { playwrightChromium } from '../../platform/chromium.ts';
import { needsChromium, test } from '../../platform/scenario.ts';
import { startDemo } from './demo-site.ts';

/*
 * The pictures of the README, taken from the demo at work. With WAKELOG_SCREENSHOTS set they go to docs/images; otherwise to
 * the test results, and only what they show is checked.
 */
const SIZES = { desktop: { width: 1000, height: 720 }, phone: { width: 390, height: 760 } } as const;
const MOST_BYTES = 150_000;
/** The least width and height of what a finger has to hit, CSS px (WCAG 2.5.5). */
const TARGET_PX = 44;

async function problemsOf(page: Page): Promise<string[]> {
  return page.evaluate((least) => {
    const problems: string[] = [];
    if (document.documentElement.scrollWidth > innerWidth) problems.push('scrolls sideways');
    const ribbon = document.querySelector('wakelog-ribbon')?.shadowRoot?.querySelector('button');
    for (const button of [...document.querySelectorAll('button'), ...(ribbon ? [ribbon] : [])]) {
      const { width, height } = button.getBoundingClientRect();
      if (width > 0 && (width < least || height < least))
        problems.push(`${button.textContent || button.ariaLabel}: ${width} × ${height}`);
    }
    return problems;
  }, TARGET_PX);
}

test('PAGE6 the demo on phone and desktop, light and dark: pictures, and everything within reach', async ({
  scratch,
}, testInfo) => {
  needsChromium();
  const demo = await startDemo(scratch);
  const context = scratch.use(await playwrightChromium({ profile: scratch.folder('chromium') }), (it) => it.close());
  const folder = process.env['WAKELOG_SCREENSHOTS']
    ? fileURLToPath(new URL('../../../docs/images/', import.meta.url))
    : testInfo.outputPath('images/');
  mkdirSync(folder, { recursive: true });
  const page = await context.newPage();
  await page.goto(demo.origin);
  await expect(page.locator('#state')).toHaveText('All changes sent');

  const take = async (name: string, size: keyof typeof SIZES, colorScheme: 'light' | 'dark'): Promise<void> => {
    await page.setViewportSize(SIZES[size]);
    await page.emulateMedia({ colorScheme });
    await page.mouse.move(0, 0);
    const path = `${folder}${name}.png`;
    await page.screenshot({ path, animations: 'disabled' });
    expect(statSync(path).size).toBeLessThan(MOST_BYTES);
    expect(await problemsOf(page)).toEqual([]);
  };
  const add = async (title: string): Promise<void> => {
    await page.getByLabel('New task').fill(title);
    await page.keyboard.press('Enter');
    await expect(page.getByRole('checkbox', { name: title })).toBeVisible();
  };

  await take('demo-empty', 'desktop', 'light');
  for (const title of ['Buy oat milk and bread', 'Book the train to Ghent', 'Call the plumber about the kitchen tap'])
    await add(title);
  await page.getByRole('checkbox', { name: 'Buy oat milk' }).check();
  const device = scratch.use(
    await openDevice({ url: demo.serverUrl(), space: 'tasks', account: 'bob', live: false }),
    (it) => it.close(),
  );
  await device.sync();
  const theirs = device.collection('/api/tasks');
  await theirs.put('books', { title: 'Return the library books', done: false });
  await theirs.put('bulb', { title: 'Replace the light bulb in the hall', done: false });
  await device.sync();
  await expect(page.locator('wakelog-ribbon')).toContainText('You have 2 new updates');
  await expect(page.locator('#state')).toHaveText('All changes sent');
  await take('demo-desktop-light', 'desktop', 'light');
  await take('demo-desktop-dark', 'desktop', 'dark');
  await take('demo-phone-dark', 'phone', 'dark');

  await page.locator('wakelog-ribbon').getByRole('button').click();
  await expect(page.getByRole('checkbox', { name: 'Return the library books' })).toBeVisible();
  await demo.gate.set('refuse');
  await add('Water the plants');
  await page.getByRole('checkbox', { name: 'Book the train' }).check();
  await expect(page.locator('#state')).toContainText('2 to send');
  await page.getByLabel('New task').blur();
  await take('demo-phone-light', 'phone', 'light');
});
