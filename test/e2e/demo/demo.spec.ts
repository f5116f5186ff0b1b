import { expect } from '@playwright/test';
import type { BrowserContext, Locator, Page } from '@playwright/test';

import { openDevice } from '../../../server/device/index.ts';
import { playwrightChromium } from '../../platform/chromium.ts';
import { launchFirefox } from '../../platform/firefox.ts';
import { needsChromium, needsFirefox, test } from '../../platform/scenario.ts';
import { startDemo } from './demo-site.ts';
import type { Demo } from './demo-site.ts';

async function openDemo(context: BrowserContext, demo: Demo): Promise<Page> {
  const page = await context.newPage();
  await page.goto(demo.origin);
  await expect(page.locator('#state')).toHaveText('All changes sent');
  return page;
}

async function add(page: Page, title: string): Promise<void> {
  await page.getByLabel('New task').fill(title);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('checkbox', { name: title })).toBeVisible();
}

const waitingMarks = (page: Page): Locator => page.getByText('waiting to be sent').filter({ visible: true });
const shownTitles = (page: Page): Promise<string[]> => page.locator('#tasks .title').allTextContents();

test.describe('Chromium', () => {
  let context: BrowserContext;
  let demo: Demo;

  test.beforeEach(async ({ scratch }) => {
    needsChromium();
    demo = await startDemo(scratch);
    context = scratch.use(await playwrightChromium({ profile: scratch.folder('chromium') }), (it) => it.close());
  });

  test('PAGE1 S2.8 the demo: tasks written offline stay over a reload, are marked, and arrive when the server is back', async () => {
    const page = await openDemo(context, demo);
    await add(page, 'online');
    await expect(page.locator('#state')).toHaveText('All changes sent');
    await expect(waitingMarks(page)).toHaveCount(0);

    await demo.gate.set('refuse');
    await add(page, 'first offline');
    await page.getByRole('checkbox', { name: 'online', exact: true }).check();
    await add(page, 'second offline');
    await expect(waitingMarks(page)).toHaveCount(3);
    await expect(page.locator('#state')).toHaveText('Offline · 3 to send');
    await page.reload();
    await expect.poll(() => shownTitles(page)).toEqual(['online', 'first offline', 'second offline']);
    await expect(page.getByRole('checkbox', { name: 'online', exact: true })).toBeChecked();
    await expect(waitingMarks(page)).toHaveCount(3);

    await demo.gate.set('pass');
    await page.evaluate(() => dispatchEvent(new Event('online')));
    await expect(page.locator('#state')).toHaveText('All changes sent');
    await expect(waitingMarks(page)).toHaveCount(0);
    const atServer = (await (await fetch(`${demo.serverUrl()}/api/tasks`)).json()) as {
      title: string;
      done: boolean;
    }[];
    expect(atServer.map(({ title, done }) => [title, done])).toEqual([
      ['online', true],
      ['first offline', false],
      ['second offline', false],
    ]);
  });

  test('PAGE6 the demo: changes of others wait under the ribbon; accepting shows them without a reload', async ({
    scratch,
  }) => {
    const [page, second] = [await openDemo(context, demo), await openDemo(context, demo)];
    await add(page, 'mine');
    await expect.poll(() => shownTitles(second)).toEqual(['mine']);
    const device = scratch.use(
      await openDevice({ url: demo.serverUrl(), space: 'tasks', account: 'bob', live: false }),
      (it) => it.close(),
    );
    // Having read the other task, it comes after it in the order of creation.
    await device.sync();
    await device.collection('/api/tasks').put('theirs', { title: 'theirs', done: false });
    await device.sync();
    const ribbon = page.locator('wakelog-ribbon');
    await expect(ribbon).toContainText('You have 1 new update');
    expect(await shownTitles(page)).toEqual(['mine']);
    await page.evaluate('window.sameDocument = true');
    await ribbon.getByRole('button', { name: 'Show' }).click();
    for (const each of [page, second]) await expect.poll(() => shownTitles(each)).toEqual(['mine', 'theirs']);
    expect(await page.evaluate('window.sameDocument')).toBe(true);
  });

  test('PAGE6 the demo by keyboard alone: add, check, rename, delete, and the focus is never lost', async () => {
    const page = await openDemo(context, demo);
    const press = (...keys: string[]): Promise<void> =>
      keys.reduce((before, key) => before.then(() => page.keyboard.press(key)), Promise.resolve());
    const focused = (): Promise<string> =>
      page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.id ?? '');
    await press('Tab');
    expect(await focused()).toBe('title');
    for (const title of ['one', 'two']) {
      await page.keyboard.type(title);
      await press('Enter');
      await expect(page.getByRole('checkbox', { name: title })).toBeVisible();
    }
    await press('Tab', 'Tab', 'Space');
    await expect(page.getByRole('checkbox', { name: 'one' })).toBeChecked();
    await press('Tab', 'Enter');
    await page.keyboard.type('first');
    await press('Enter');
    await expect(page.getByRole('checkbox', { name: 'first' })).toBeVisible();
    expect(await focused()).toBe('Rename “first”');
    await press('Enter');
    await page.keyboard.type('not this');
    await press('Escape');
    expect(await shownTitles(page)).toEqual(['first', 'two']);
    await press('Tab', 'Enter');
    await expect.poll(() => shownTitles(page)).toEqual(['two']);
    expect(await focused()).toBe('Delete “two”');
    await press('Enter');
    await expect(page.getByRole('heading', { name: 'Nothing to do' })).toBeVisible();
    expect(await focused()).toBe('title');
  });

  test('PAGE6 the demo for a screen reader: names and roles', async () => {
    const page = await openDemo(context, demo);
    await add(page, 'Buy milk');
    await expect(waitingMarks(page)).toHaveCount(0);
    await expect(page.getByRole('main')).toMatchAriaSnapshot(`
      - main:
        - heading "Tasks" [level=1]
        - paragraph: 1 open
        - paragraph: All changes sent
        - text: New task
        - textbox "New task":
          - /placeholder: What needs doing?
        - button "Add"
        - list "Tasks":
          - listitem:
            - checkbox "Buy milk"
            - text: Buy milk
            - button "Rename “Buy milk”"
            - button "Delete “Buy milk”"
        - complementary "Try it":
          - heading "Try it" [level=2]
          - list:
            - listitem:
              - link "Open a second window":
                - /url: ./
              - text: and write in both.
            - listitem: /Switch the network off/
            - listitem:
              - button "Enable notifications"
              - text: to hear of changes with every tab closed.
    `);
  });
});

test('PAGE1 Firefox: the demo works at once, offline too, and two windows agree', async ({ scratch }) => {
  needsFirefox();
  const demo = await startDemo(scratch);
  const firefox = scratch.use(await launchFirefox({ profile: scratch.folder('firefox') }), (it) => it.close());
  const [page, second] = [await openDemo(firefox.context, demo), await openDemo(firefox.context, demo)];
  await add(page, 'one');
  await demo.gate.set('refuse');
  await add(second, 'two');
  for (const each of [page, second]) await expect.poll(() => shownTitles(each)).toEqual(['one', 'two']);
  await second.reload();
  await expect.poll(() => shownTitles(second)).toEqual(['one', 'two']);
});
