import { expect } from '@playwright/test';
import type { BrowserContext, Page } from '@playwright/test';

import { partsToBody } from '../../../core/log/body.ts';
import { lastSequence } from '../../../core/log/run.ts';
import { KIND } from '../../../core/log/header.ts';
import type { NodeDevice } from '../../../server/device/index.ts';
import type { Authorize } from '../../../server/index.ts';
import { playwrightChromium } from '../../platform/chromium.ts';
import { launchFirefox } from '../../platform/firefox.ts';
import { needsChromium, needsFirefox, test } from '../../platform/scenario.ts';
import { accountOf, createTabsSite, expectShown, SPACE, statusOf, untilMet, untilSent, write } from './tabs-site.ts';
import type { TabsSite } from './tabs-site.ts';

/** A site with sessions: the cookie says whose, and everybody signed in works in the common space and in one of their own. */
const signedIn: Authorize = (request) => {
  const account = accountOf(request);
  const isTheirs = (space: string): boolean => space === SPACE || space === ownSpace(account ?? '');
  return account === undefined ? undefined : { account, read: isTheirs, write: isTheirs };
};

const ownSpace = (account: string): string => `of-${account}`;

/** Signs in without a request, as a single page that asked for the session a moment ago would. */
async function signIn(page: Page, account: string): Promise<void> {
  await page.evaluate((name) => void (document.cookie = `account=${name}; path=/`), account);
}

async function openAs(page: Page, site: TabsSite, account: string): Promise<void> {
  if (page.url() === 'about:blank') await page.goto(`${site.origin}/no-such-page`);
  await signIn(page, account);
  await page.goto(site.origin);
  await expect(page.locator('h1')).toHaveText(`Tasks of ${account}`);
  await untilMet(page);
}

function asDevice(site: TabsSite, account: string, space = SPACE): Promise<NodeDevice> {
  return site.device({ account, space, auth: () => ({ cookie: `account=${account}` }) });
}

/** What the server holds: titles by the account that it enrolled their log for, as a device gets both from it. */
async function storedTitles(device: NodeDevice): Promise<Readonly<Record<string, readonly string[]>>> {
  expect(await device.sync()).toBe('level');
  const { store, view } = device.device.replica;
  const titles: Record<string, string[]> = {};
  for (const { log, sequence } of await store.heads()) {
    const account = await view.account(log);
    if (account === undefined) continue; // the server's own log
    for (const run of await store.range(log, 0, sequence, Number.MAX_SAFE_INTEGER)) {
      for (let at = run.first; at <= lastSequence(run); at++) {
        const entry = run.entries[at - run.first];
        if (entry?.kind !== KIND.data || entry.content.form !== 'body') continue;
        for (const [, , value] of partsToBody(entry.content.parts, at)?.writes ?? []) {
          (titles[account] ??= []).push((value as { title: string }).title);
        }
      }
    }
  }
  return titles;
}

/** One profile, one space, two people: who was offline sends later, as oneself; nobody sees or sends what the other kept. */
async function accountsTakeTurns(context: BrowserContext, site: TabsSite): Promise<void> {
  const observer = await asDevice(site, 'carl');
  const page = await context.newPage();
  await openAs(page, site, 'ann');
  await write(page, 'a1', 'ann, online');
  await expect.poll(() => storedTitles(observer)).toEqual({ ann: ['ann, online'] });
  await untilSent(page);
  await site.gate.set('refuse');
  await write(page, 'a2', 'ann, offline');
  await write(page, 'a3', 'ann, offline too');
  await expectShown([page], ['ann, online', 'ann, offline', 'ann, offline too']);

  // Bob signs in; what Ann kept stays hers, whatever her worker tries with his session.
  await signIn(page, 'bob');
  await site.gate.set('pass');
  await openAs(page, site, 'bob');
  await expectShown([page], ['ann, online']);
  await write(page, 'b1', 'bob, online');
  await expect.poll(() => storedTitles(observer)).toEqual({ ann: ['ann, online'], bob: ['bob, online'] });
  await untilSent(page);
  await site.gate.set('refuse');
  await write(page, 'b2', 'bob, offline');
  await page.reload();
  await expect(page.locator('h1')).toHaveText('Tasks of bob');
  await expectShown([page], ['ann, online', 'bob, online', 'bob, offline']);
  await expect.poll(async () => (await statusOf(page))?.unsent).toBe(1);

  await signIn(page, 'ann');
  await site.gate.set('pass');
  await openAs(page, site, 'ann');
  await expect.poll(() => storedTitles(observer)).toEqual({
    ann: ['ann, online', 'ann, offline', 'ann, offline too'],
    bob: ['bob, online'],
  });
  await untilSent(page);
  expect(await page.locator('li').allTextContents()).not.toContain('bob, offline');

  await openAs(page, site, 'bob');
  await expect.poll(() => storedTitles(observer)).toEqual({
    ann: ['ann, online', 'ann, offline', 'ann, offline too'],
    bob: ['bob, online', 'bob, offline'],
  });
}

/** One profile, a space for each of two people, both with a tab open at once. */
async function spacesStayApart(context: BrowserContext, site: TabsSite): Promise<void> {
  const put = (page: Page, id: string, title: string): Promise<unknown> =>
    page.evaluate(async ([i, t]) => (await window.wakelog)?.collection('tasks').put(i, { title: t }), [id, title] as const);
  const titles = (page: Page): Promise<string[]> =>
    page.evaluate(async () => {
      const items = await (await window.wakelog)?.collection<{ title: string }>('tasks').list();
      return (items ?? []).map(({ value }) => value.title);
    });

  const [ann, bob] = [await context.newPage(), await context.newPage()];
  await openAs(ann, site, 'ann');
  await put(ann, '1', 'of ann');
  await untilSent(ann);
  await site.gate.set('refuse');
  await put(ann, '2', 'of ann, offline');
  await signIn(ann, 'bob');
  await site.gate.set('pass');

  await openAs(bob, site, 'bob');
  expect(await titles(bob)).toEqual([]);
  // The same id in both: two keys in two databases.
  await put(bob, '1', 'of bob');
  await put(ann, '3', 'of ann, beside bob');
  await untilSent(bob);
  expect(await titles(bob)).toEqual(['of bob']);
  expect(await titles(ann)).toEqual(['of ann', 'of ann, offline', 'of ann, beside bob']);
  const [annAtServer, bobAtServer] = [await asDevice(site, 'ann', ownSpace('ann')), await asDevice(site, 'bob', ownSpace('bob'))];
  expect(await storedTitles(annAtServer)).toEqual({ ann: ['of ann'] });
  expect(await storedTitles(bobAtServer)).toEqual({ bob: ['of bob'] });

  await openAs(ann, site, 'ann');
  const all = ['of ann', 'of ann, offline', 'of ann, beside bob'];
  await expect.poll(() => storedTitles(annAtServer)).toEqual({ ann: all });
  expect(await titles(ann)).toEqual(all);
  expect(await titles(bob)).toEqual(['of bob']);
  expect(await storedTitles(bobAtServer)).toEqual({ bob: ['of bob'] });
}

test('Scenario 5: Chromium, two accounts in one profile: each sends its own entries only, as itself, and sees nothing that the other kept', async ({ scratch }) => {
  needsChromium();
  const site = await createTabsSite(scratch, { authorize: signedIn, updates: 'live' });
  const context = scratch.use(await playwrightChromium({ profile: scratch.folder('chromium') }), (it) => it.close());
  await accountsTakeTurns(context, site);
});

test('Scenario 5: Chromium, two accounts in one profile, each with a space and a tab of its own, never see each other', async ({ scratch }) => {
  needsChromium();
  const spaceOf = ownSpace;
  const site = await createTabsSite(scratch, { authorize: signedIn, updates: 'live', spaceOf });
  const context = scratch.use(await playwrightChromium({ profile: scratch.folder('chromium') }), (it) => it.close());
  await spacesStayApart(context, site);
});

test('Scenario 5: Firefox, two accounts in one profile: each sends its own entries only, as itself, and sees nothing that the other kept', async ({ scratch }) => {
  needsFirefox();
  const site = await createTabsSite(scratch, { authorize: signedIn, updates: 'live' });
  const firefox = scratch.use(await launchFirefox({ profile: scratch.folder('firefox') }), (it) => it.close());
  await accountsTakeTurns(firefox.context, site);
});
