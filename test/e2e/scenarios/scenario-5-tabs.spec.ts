import { expect } from '@playwright/test';
import type { BrowserContext, Locator, Page } from '@playwright/test';
import type { Response } from 'express';

import { playwrightChromium } from '../../platform/chromium.ts';
import { launchFirefox } from '../../platform/firefox.ts';
import type { Scratch } from '../../platform/parts/scratch.ts';
import { needsChromium, needsFirefox, test } from '../../platform/scenario.ts';
import {
  createTabsSite,
  expectShown,
  openTab,
  statusOf,
  TASKS,
  titlesAt,
  untilMet,
  untilSent,
  write,
  writeElsewhere,
} from './tabs-site.ts';
import type { TabsSite } from './tabs-site.ts';

const ribbon = (page: Page): Locator => page.locator('wakelog-ribbon');

async function openTabs(context: BrowserContext, site: TabsSite): Promise<[Page, Page, Page]> {
  const tabs: [Page, Page, Page] = [await openTab(context, site), await openTab(context, site), await openTab(context, site)];
  for (const tab of tabs) await tab.evaluate('window.sameDocument = true');
  return tabs;
}

/** No tab was reloaded since `openTabs`, and none met an error. */
async function expectUndisturbed(tabs: readonly Page[]): Promise<void> {
  for (const tab of tabs) {
    expect(await tab.evaluate('[window.sameDocument, tasksPage.errors, performance.getEntriesByType("navigation").length]')).toEqual([true, [], 1]);
  }
}

/** What one tab writes the others show, without a server too, and it reaches the server once. */
async function writesReachOtherTabs(context: BrowserContext, site: TabsSite): Promise<void> {
  const tabs = await openTabs(context, site);
  const seen = site.requests.length;
  for (const [index, tab] of tabs.entries()) {
    await write(tab, `on${index}`, `online ${index}`);
    await expectShown(tabs, ['online 0', 'online 1', 'online 2'].slice(0, index + 1));
  }
  await untilSent(tabs[0]);
  await site.gate.set('refuse');
  await Promise.all(tabs.map((tab, index) => write(tab, `off${index}`, `offline ${index}`)));
  await write(tabs[2], 'on0', 'online 0 again');
  for (const tab of tabs) {
    await expect(tab.locator('li')).toHaveCount(6);
    await expect.poll(async () => (await statusOf(tab))?.unsent).toBe(4);
    expect((await tab.locator('li').allTextContents()).toSorted()).toEqual(
      ['offline 0', 'offline 1', 'offline 2', 'online 0 again', 'online 1', 'online 2'],
    );
  }
  // Each tab was told; none of them asked the server.
  expect(site.requests.slice(seen).filter((request) => request.includes(TASKS))).toEqual([]);
  await site.gate.set('pass');
  await tabs[0].evaluate(() => dispatchEvent(new Event('online')));
  await untilSent(tabs[0]);
  for (const tab of tabs) await expect.poll(async () => (await statusOf(tab))?.unsent).toBe(0);
  const device = await site.device();
  expect((await titlesAt(device)).toSorted()).toEqual((await tabs[0].locator('li').allTextContents()).toSorted());
  expect(await device.collisions()).toEqual([]);
  await expectUndisturbed(tabs);
}

/** Remote changes wait, counted, under one ribbon in every tab; accepting needs no server; own edits meanwhile stay. */
async function remoteChangesWait(context: BrowserContext, site: TabsSite): Promise<void> {
  const device = await site.device();
  await writeElsewhere(device, { old: 'old', both: 'both' });
  const tabs = await openTabs(context, site);
  const [one, two, three] = tabs;
  await expectShown(tabs, ['old', 'both']);

  await writeElsewhere(device, { a: 'theirs a' });
  for (const tab of tabs) await expect(ribbon(tab)).toContainText('You have 1 new update');
  await writeElsewhere(device, { b: 'theirs b', both: 'both, by them' });
  await writeElsewhere(device, { old: 'old, by them' });
  for (const tab of tabs) await expect(ribbon(tab)).toContainText('You have 4 new updates');
  await expectShown(tabs, ['old', 'both']);

  await write(one, 'own', 'own');
  await write(two, 'both', 'both, by us');
  await expectShown(tabs, ['old', 'both, by us', 'own']);
  for (const tab of tabs) {
    await expect(ribbon(tab)).toHaveCount(1);
    await expect(ribbon(tab)).toContainText('You have 4 new updates');
  }
  await untilSent(one);

  const [mine] = await versionsOf(one, 'both');
  await site.gate.set('refuse');
  await write(three, 'late', 'own, offline');
  await expectShown(tabs, ['old', 'both, by us', 'own', 'own, offline']);
  await ribbon(one).getByRole('button').click();
  for (const tab of tabs) {
    await expect(ribbon(tab)).not.toHaveAttribute('shown');
    await expect(tab.locator('li')).toHaveCount(6);
    const titles = await tab.locator('li').allTextContents();
    expect(titles).toEqual(expect.arrayContaining(['old, by them', 'theirs a', 'theirs b', 'own', 'own, offline']));
    expect(titles.filter((title) => title.startsWith('both, by '))).toHaveLength(1);
    // Both wrote the same task: both versions are kept, ours among them, whichever is displayed.
    const kept = await versionsOf(tab, 'both');
    expect(kept).toHaveLength(2);
    expect(kept).toContain(mine);
  }
  await expectUndisturbed(tabs);

  await site.gate.set('pass');
  await one.evaluate(() => dispatchEvent(new Event('online')));
  await untilSent(one);
  expect((await titlesAt(device)).toSorted()).toEqual((await one.locator('li').allTextContents()).toSorted());
  expect((await device.collisions()).map(({ key }) => key)).toEqual([`${TASKS}/both`]);
}

/** Ids of all live versions of a task. */
function versionsOf(page: Page, id: string): Promise<readonly string[]> {
  return page.evaluate(async (task) => {
    const connection = await window.wakelog;
    return (await connection?.collection('tasks').get(task))?.versions ?? [];
  }, id);
}

/** Of somebody who types, from one answer to the next write. Browsers change versions only in a moment without a request. */
const PAUSE_MS = 250;

/**
 * Has the page write at each step of the coming change of version, `steadily` in between as well; returns how to get the
 * answers once the new version is in charge.
 */
async function writeThroughout(page: Page, steadily: boolean): Promise<() => Promise<readonly number[]>> {
  await page.evaluate(async ([goesOn, pauseMs]) => {
    const { tasksPage } = window;
    const answers: Promise<number>[] = [];
    const write = (times: number): void => {
      for (let n = 0; n < times; n++) answers.push(tasksPage.write(`w${answers.length}`, `write ${answers.length}`));
    };
    const registration = await navigator.serviceWorker.getRegistration();
    const activated = new Promise<void>((resolve) => {
      registration?.addEventListener('updatefound', () => {
        const coming = registration.installing;
        write(10);
        coming?.addEventListener('statechange', () => {
          write(10);
          if (coming.state === 'activated') resolve();
        });
      });
    });
    const inCharge = new Promise<void>((resolve) => {
      navigator.serviceWorker.addEventListener('controllerchange', () => resolve(), { once: true });
    });
    const change = { done: !goesOn };
    const type = async (): Promise<void> => {
      while (!change.done) {
        write(1);
        await answers.at(-1);
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
    };
    const typed = type();
    tasksPage.written = Promise.all([activated, inCharge]).then(async () => {
      change.done = true;
      await typed;
      write(10);
      return Promise.all(answers);
    });
  }, [steadily, PAUSE_MS] as const);
  return () => page.evaluate(() => window.tasksPage.written ?? []);
}

/** Writes that came past every worker, to the server's own routes. */
function passedBy(site: TabsSite): number {
  return site.requests.filter((request) => request.startsWith(`PUT ${TASKS}/`)).length;
}

/**
 * A new version of the worker takes over with tabs and their streams open, while one of them writes and the server takes
 * what the old version sends without a word.
 */
async function newWorkerTakesOver(context: BrowserContext, site: TabsSite, steadily: boolean): Promise<void> {
  const tabs = await openTabs(context, site);
  const [old, other] = tabs;
  for (const tab of tabs) await tab.waitForFunction(() => window.tasksPage.streams > 0);
  const streamsBefore = await old.evaluate(() => window.tasksPage.streams);
  const unanswered = holdSyncs(site);
  await write(other, 'waits', 'waits for the server');
  await expect.poll(() => unanswered.length).toBeGreaterThan(0);
  const written = await writeThroughout(old, steadily);
  site.releaseWorker();
  const from = Date.now();
  await other.evaluate(async () => (await navigator.serviceWorker.getRegistration())?.update());
  const statuses = await written();
  expect(Date.now() - from).toBeLessThan(20_000); // held up by anything, the change takes browsers minutes
  expect(statuses.length).toBeGreaterThanOrEqual(50);
  expect(new Set(statuses)).toEqual(new Set([201]));
  site.front = undefined;
  for (const response of unanswered) response.destroy();
  const passed = passedBy(site);

  const fresh = await openTab(context, site);
  const all = [...tabs, fresh];
  for (const tab of tabs) {
    await tab.waitForFunction((streams) => window.tasksPage.streams > streams, streamsBefore);
    await expect(ribbon(tab)).toContainText('new version');
  }
  for (const [index, tab] of all.entries()) await write(tab, `after${index}`, `after ${index}`);
  expect(passedBy(site)).toBe(passed); // the new version knows every tab
  const count = 1 + statuses.length + all.length;
  // Also what the server wrote for a page: no update of others, and nothing to wait for.
  for (const tab of all) await expect(tab.locator('li')).toHaveCount(count);
  const device = await site.device();
  await expect.poll(async () => (await titlesAt(device)).length).toBe(count);
  expect(await device.collisions()).toEqual([]);
  await writeElsewhere(device, { theirs: 'theirs' });
  for (const tab of all) await expect(ribbon(tab)).toContainText('You have 1 new update');
  await ribbon(old).getByRole('button').click();
  for (const tab of all) await expect(tab.locator('li').filter({ hasText: 'theirs' })).toHaveCount(1);
  await expectUndisturbed(tabs);
  expect(await fresh.evaluate(() => window.tasksPage.errors)).toEqual([]);
}

/** From now on requests to sync are taken and not answered; what is waiting. */
function holdSyncs(site: TabsSite): readonly Response[] {
  const unanswered: Response[] = [];
  site.front = ({ path }, response, next) => {
    if (path === '/wakelog/sync') unanswered.push(response);
    else next();
  };
  return unanswered;
}

/** A page that writes from its first moment on, by fetch and by its connection, while the worker is being installed. */
async function firstVisitLosesNothing(page: Page, site: TabsSite): Promise<void> {
  await page.goto(`${site.origin}/eager`);
  const appended = page.evaluate(async () => {
    const connection = await window.wakelog;
    for (let n = 0; n < 10; n++) await connection?.collection('tasks').put(`api${n}`, { title: `api ${n}` });
    return connection?.status.getSnapshot().engine;
  });
  const answers = await page.evaluate(() => window.tasksPage.eager);
  expect(await appended).toBe('worker');
  expect(new Set(answers.map(([, status]) => status))).toEqual(new Set([201]));
  const atServer = site.requests.filter((request) => request.startsWith(`PUT ${TASKS}/eager`)).length;
  expect(atServer).toBeGreaterThan(0); // before the worker
  expect(atServer).toBeLessThan(answers.length); // and after
  const written = [...answers.map(([id]) => id.replace('eager', 'eager ')), ...Array.from({ length: 10 }, (_, n) => `api ${n}`)];
  await expectAllOnce(page, site, written);
  expect(await page.evaluate(() => window.tasksPage.errors)).toEqual([]);
}

/** The page and the server agree that each was written exactly once. */
async function expectAllOnce(page: Page, site: TabsSite, titles: readonly string[]): Promise<void> {
  await untilMet(page);
  const device = await site.device();
  await expect.poll(async () => (await titlesAt(device)).toSorted()).toEqual(titles.toSorted());
  await expect(page.locator('li')).toHaveCount(titles.length);
  expect((await page.locator('li').allTextContents()).toSorted()).toEqual(titles.toSorted());
  expect(await device.collisions()).toEqual([]);
}

test.describe('Chromium', () => {
  const open = async (scratch: Scratch): Promise<BrowserContext> => {
    needsChromium();
    return scratch.use(await playwrightChromium({ profile: scratch.folder('chromium') }), (it) => it.close());
  };

  test('Scenario 5: S2.2 three tabs of one browser: what one writes the others show, offline too', async ({ scratch }) => {
    const site = await createTabsSite(scratch);
    await writesReachOtherTabs(await open(scratch), site);
  });

  test('Scenario 5: S5.10 remote changes wait under the ribbon of three tabs and apply at a click, offline too', async ({ scratch }) => {
    const site = await createTabsSite(scratch);
    await remoteChangesWait(await open(scratch), site);
  });

  test('Scenario 5: S2.26 old tabs and a new version of the worker live together, without a reload or an error', async ({ scratch }) => {
    const site = await createTabsSite(scratch);
    // Chromium itself does not look for a new version before the present one had no event for a second.
    await newWorkerTakesOver(await open(scratch), site, false);
    expect(passedBy(site)).toBe(0);
  });

  test('Scenario 5: PAGE1 the first visit ever and a hard reload lose no write', async ({ scratch }) => {
    const site = await createTabsSite(scratch);
    const context = await open(scratch);
    const page = await context.newPage();
    await firstVisitLosesNothing(page, site);
    const before = await page.locator('li').allTextContents();

    await page.goto(site.origin);
    const control = await context.newCDPSession(page);
    const loaded = page.waitForEvent('load');
    await control.send('Page.reload', { ignoreCache: true });
    await loaded;
    // Nobody is in charge of this page: its own fetch goes to the server, its connection to the worker.
    expect(await page.evaluate(() => navigator.serviceWorker.controller)).toBeNull();
    await write(page, 'hard', 'hard reload');
    await page.evaluate(() => window.wakelog);
    await site.gate.set('refuse');
    await page.evaluate(async () => (await window.wakelog)?.collection('tasks').put('kept', { title: 'kept' }));
    await page.reload();
    await expect(page.locator('li')).toContainText(['kept']);
    await site.gate.set('pass');
    await page.evaluate(() => dispatchEvent(new Event('online')));
    await expectAllOnce(page, site, [...before, 'hard reload', 'kept']);
  });
});

test.describe('Firefox', () => {
  const open = async (scratch: Scratch): Promise<BrowserContext> => {
    needsFirefox();
    return scratch.use(await launchFirefox({ profile: scratch.folder('firefox') }), (it) => it.close()).context;
  };

  test('Scenario 5: S2.2 three tabs of one browser: what one writes the others show, offline too', async ({ scratch }) => {
    const site = await createTabsSite(scratch);
    await writesReachOtherTabs(await open(scratch), site);
  });

  test('Scenario 5: S5.10 remote changes wait under the ribbon of three tabs and apply at a click, offline too', async ({ scratch }) => {
    const site = await createTabsSite(scratch);
    await remoteChangesWait(await open(scratch), site);
  });

  test('Scenario 5: S2.26 CAP35 old tabs and a new version of the worker live together; what Firefox hands to neither is not lost', async ({ scratch }) => {
    const site = await createTabsSite(scratch);
    // Neither version gets an event for what a page asks before it knows of its new controller, some 20 to 300 ms.
    await newWorkerTakesOver(await open(scratch), site, true);
  });

  test('Scenario 5: PAGE1 the first visit ever loses no write', async ({ scratch }) => {
    const site = await createTabsSite(scratch);
    await firstVisitLosesNothing(await (await open(scratch)).newPage(), site);
  });
});
