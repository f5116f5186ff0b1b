import { expect } from '@playwright/test';
import type { BrowserContext } from '@playwright/test';

import { backgroundSyncArgs, playwrightChromium } from '../../platform/chromium.ts';
import { needsChromium, test } from '../../platform/scenario.ts';
import { originOf, PAGE_IS_READY, startSendsSite } from './sends-site.ts';
import type { Tab } from './sends-steps.ts';
import {
  expectAllSent,
  expectAtServer,
  expectNothingSent,
  recordSyncEvents,
  TITLES,
  untilDelivered,
  writeThree,
} from './sends-steps.ts';

interface OpenTab extends Tab {
  readonly close: () => Promise<void>;
}

async function openTab(context: BrowserContext, url: string): Promise<OpenTab> {
  const page = await context.newPage();
  await page.goto(url);
  return { run: (expression) => page.evaluate(expression), close: () => page.close() };
}

function tabsOfTheSite(context: BrowserContext): string[] {
  return context
    .pages()
    .map((page) => page.url())
    .filter((url) => url !== 'about:blank');
}

/** Writes three tasks offline and closes every tab but the browser's own blank one. */
async function writeOffline(context: BrowserContext, origin: string): Promise<void> {
  const tab = await openTab(context, origin);
  await expect.poll(() => tab.run(PAGE_IS_READY)).toBe(true);
  await context.setOffline(true);
  await writeThree(tab);
  await expectNothingSent(tab);
  await tab.close();
  expect(tabsOfTheSite(context)).toEqual([]);
}

test.describe("Scenario 1: S2.10 S2.12 three tasks by the page's own fetch, offline, then all tabs closed", () => {
  test.beforeEach(needsChromium);

  test("the network is back: the browser's own sync event delivers exactly three, in order, with no tab open", async ({
    scratch,
  }) => {
    const site = await startSendsSite(scratch);
    const origin = originOf(site.server.gate);
    const context = scratch.use(await playwrightChromium({ profile: scratch.folder('chromium') }), (it) => it.close());
    const [blank] = context.pages();
    if (blank === undefined) throw new Error('a browser opens with a blank tab');
    const syncs = await recordSyncEvents(await context.newCDPSession(blank));
    await writeOffline(context, origin);
    await syncs.until('sync', ({ what }) => what === 'Registered sync');
    await expectAtServer(site, []);

    const stillOffline = syncs.mark();
    await context.setOffline(false);
    await syncs.until('sync', ({ what, details }) => what === 'Sync completed' && details['Status'] === 'succeeded', {
      after: stillOffline,
    });
    await expectAtServer(site, TITLES);
    expect(tabsOfTheSite(context)).toEqual([]);
    expect(syncs.all('sync').map(({ what }) => what)).toEqual([
      'Registered sync',
      'Dispatched sync event',
      'Sync completed',
    ]);

    await expectAllSent(await openTab(context, origin));
    await expectAtServer(site, TITLES);
  });

  test('the browser is quit and started again: its sync event wakes the worker and delivers exactly three, in order, with no tab open', async ({
    scratch,
  }) => {
    const site = await startSendsSite(scratch);
    const origin = originOf(site.server.gate);
    const profile = scratch.folder('chromium');
    const before = scratch.use(await playwrightChromium({ profile }), (it) => it.close());
    await writeOffline(before, origin);
    await before.close();
    await expectAtServer(site, []);

    const context = scratch.use(await playwrightChromium({ profile, args: backgroundSyncArgs() }), (it) => it.close());
    await untilDelivered(site);
    expect(tabsOfTheSite(context)).toEqual([]);
    await expectAtServer(site, TITLES);

    await expectAllSent(await openTab(context, origin));
    await expectAtServer(site, TITLES);
  });
});
