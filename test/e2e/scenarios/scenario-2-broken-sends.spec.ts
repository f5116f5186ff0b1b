import { expect } from '@playwright/test';

import { SYNC_CONTENT_TYPE } from '../../../core/protocol/limits.ts';
import { backgroundSyncArgs, launchChromium } from '../../platform/chromium.ts';
import type { Chromium } from '../../platform/chromium.ts';
import type { Scratch } from '../../platform/parts/scratch.ts';
import { needsChromium, test } from '../../platform/scenario.ts';
import type { SendsDoor, StrangeAnswer } from './sends-door.ts';
import { createSendsDoor } from './sends-door.ts';
import { readLogs } from './sends-log.ts';
import type { SendsSite } from './sends-site.ts';
import { PAGE_IS_READY, readServerDisk, SPACE, startSendsSite } from './sends-site.ts';
import type { Tab } from './sends-steps.ts';
import {
  expectAllSent,
  expectAtServer,
  expectInOrder,
  expectNothingSent,
  TITLES,
  untilDelivered,
  writeThree,
} from './sends-steps.ts';

interface World {
  readonly site: SendsSite;
  /** Stands between the browser and the server. */
  readonly door: SendsDoor;
  readonly browser: Chromium;
}

/** Chromium with nothing attached to its worker; a sync event that failed comes again a second later, not five minutes. */
async function startWorld(scratch: Scratch): Promise<World> {
  const site = await startSendsSite(scratch);
  const door = scratch.use(await createSendsDoor(site.server.gate.port), (it) => it.close());
  const args = backgroundSyncArgs({ firstRetrySec: 1, retryFactor: 1, maxAttempts: 50 });
  const browser = scratch.use(await launchChromium({ profile: scratch.folder('chromium'), args }), (it) => it.kill());
  return { site, door, browser };
}

/** A visit: a tab is opened, looked at and closed again. Without a network it comes from the worker. */
async function visit({ browser, door }: World, look: (tab: Tab) => Promise<void>): Promise<void> {
  const page = await browser.page(door.origin);
  await look({ run: (expression) => page.eval(expression) });
  await page.close();
  expect((await browser.tabs()).filter((url) => url !== 'about:blank')).toEqual([]);
}

async function writeWithoutNetwork(world: World): Promise<void> {
  await visit(world, async (tab) => {
    await expect.poll(() => tab.run(PAGE_IS_READY)).toBe(true);
    world.door.set('no network');
    await writeThree(tab);
    await expectNothingSent(tab);
  });
}

/** Whatever the first send came to, the device takes none of it for sent. */
async function expectNothingCounted(world: World): Promise<void> {
  world.door.set('no network');
  await visit(world, expectNothingSent);
  await world.browser.workers.stopAll();
}

/** All is well again: with no tab open the browser wakes the worker, which sends. */
async function expectDelivered(world: World): Promise<void> {
  const { site, door } = world;
  const before = door.log.mark();
  door.set('pass');
  await door.log.until('passed', ({ status }) => status === 200, { after: before, withinMs: 30_000 });
  await untilDelivered(site);
  await expectAtServer(site, TITLES);
  await visit(world, expectAllSent);
  await expectAtServer(site, TITLES);
}

const PORTAL =
  '<!doctype html><html><title>Welcome</title><h1>Welcome to our hotel</h1><p>Please accept our terms.</p></html>';
const HTML = { 'content-type': 'text/html; charset=utf-8' };
const STRANGE_ANSWERS: Readonly<Record<string, { readonly answer: StrangeAnswer; readonly everything?: boolean }>> = {
  'an answer of 500': { answer: { status: 500, headers: HTML, body: '<h1>Internal Server Error</h1>' } },
  'an answer of 401': {
    answer: { status: 401, headers: { 'content-type': 'application/json' }, body: '{"message":"sign in"}' },
  },
  "a captive portal's HTML 200 for everything": {
    answer: { status: 200, headers: HTML, body: PORTAL },
    everything: true,
  },
  'an empty 200 of the right type': {
    answer: { status: 200, headers: { 'content-type': SYNC_CONTENT_TYPE }, body: '' },
  },
};

test.describe('Scenario 2: S2.11 S2.12 S2.26 LOG10 SYNC5 three tasks written without a network, all tabs closed; the first send breaks', () => {
  test.beforeEach(needsChromium);

  for (const [name, strange] of Object.entries(STRANGE_ANSWERS)) {
    test(`by ${name}: nothing counts as sent, then exactly three arrive, in order`, async ({ scratch }) => {
      const world = await startWorld(scratch);
      await writeWithoutNetwork(world);
      const { door, site } = world;
      door.set(strange);
      await door.log.until('strange', () => true, { withinMs: 30_000 });
      await expectNothingCounted(world);
      await expectAtServer(site, []);
      await expectDelivered(world);
    });
  }

  for (const fate of ['is lost', 'reaches the server late']) {
    test(`by the worker being stopped while the request is under way, which then ${fate}: exactly three arrive, in order`, async ({
      scratch,
    }) => {
      const world = await startWorld(scratch);
      await writeWithoutNetwork(world);
      const { door, site, browser } = world;
      door.set('hold');
      await door.log.until('held', () => true, { withinMs: 30_000 });
      await browser.workers.stopAll();
      if (fate === 'reaches the server late') {
        door.deliverHeld();
        await door.log.until('kept', ({ status }) => status === 200);
      }
      await expectNothingCounted(world);
      await expectAtServer(site, fate === 'is lost' ? [] : TITLES);
      await expectDelivered(world);
    });
  }

  test('by SIGKILL of the server between commit and answer: exactly three are there, in order, and the device learns it', async ({
    scratch,
  }) => {
    const world = await startWorld(scratch);
    await writeWithoutNetwork(world);
    const { door, site } = world;
    door.set('keep answers');
    await door.log.until('kept', ({ status }) => status === 200, { withinMs: 30_000 });
    await site.server.kill();
    await readServerDisk(site.dataDir, async ({ store }) => expectInOrder(await readLogs(store, SPACE), TITLES));
    await expectNothingCounted(world);
    await site.server.restart();
    await expectDelivered(world);
  });
});
