import { fileURLToPath } from 'node:url';
import { expect } from '@playwright/test';
import { build } from 'vite';
import type { Rolldown } from 'vite';

import { LOG_STORE_CASES } from '../../contract/log-store.contract.ts';
import { VIEW_STORE_CASES } from '../../contract/view-store.contract.ts';
import { createAppServer } from '../../platform/app-server.ts';
import type { AppServer } from '../../platform/app-server.ts';
import { launchChromium } from '../../platform/chromium.ts';
import { launchFirefox } from '../../platform/firefox.ts';
import { needsChromium, needsFirefox, test } from '../../platform/scenario.ts';

/*
 * The contract suite of the storage engines, bundled and run in a worker on the browser's own IndexedDB: what
 * test/contract/storage.test.ts runs on fake-indexeddb. What its cases prove, their titles say.
 */

const PAGE = '<!doctype html><title>contract</title><script>const worker = new Worker("/worker.js")</script>';
const ROOM_BYTES = 8_000_000;
const CASES = [...LOG_STORE_CASES, ...VIEW_STORE_CASES];
const WITHIN_MS = 100_000;

test('LOG13 LOG14 VIEW2 Chromium: the whole contract suite of the storage engines', async ({ scratch }) => {
  needsChromium();
  const site = scratch.use(await createSite(), (it) => it.close());
  const browser = scratch.use(await launchChromium({ profile: scratch.folder('contract') }), (it) => it.kill());
  const page = await browser.page(site.origin);
  await page.eval(`worker.postMessage({ run: 'ample' })`);
  await expectAllPassed(site, 'ample');
  await browser.close();
});

test('LOG13 LOG14 VIEW2 Firefox: the whole contract suite of the storage engines', async ({ scratch }) => {
  needsFirefox();
  const site = scratch.use(await createSite(), (it) => it.close());
  const browser = scratch.use(await launchFirefox({ profile: scratch.folder('contract') }), (it) => it.kill());
  const page = await browser.page(site.origin);
  await page.evaluate(`worker.postMessage({ run: 'ample' })`);
  await expectAllPassed(site, 'ample');
  await browser.close();
});

test('LOG18 Chromium: the contract when the browser gives no more room', async ({ scratch }) => {
  needsChromium();
  const site = scratch.use(await createSite(), (it) => it.close());
  const browser = scratch.use(await launchChromium({ profile: scratch.folder('room') }), (it) => it.kill());
  const page = await browser.page(site.origin);
  await page.send('Storage.overrideQuotaForOrigin', { origin: site.origin, quotaSize: ROOM_BYTES });
  await page.eval(`worker.postMessage({ run: 'small' })`);
  await expectAllPassed(site, 'small');
  await browser.close();
});

test('LOG18 Firefox: the contract when the browser gives no more room', async ({ scratch }) => {
  needsFirefox();
  const site = scratch.use(await createSite(), (it) => it.close());
  // KB for all sites together; one site gets a part of it.
  const prefs = { 'dom.quotaManager.temporaryStorage.fixedLimit': 20_480 };
  const browser = scratch.use(await launchFirefox({ profile: scratch.folder('room'), prefs }), (it) => it.kill());
  const page = await browser.page(site.origin);
  await page.evaluate(`worker.postMessage({ run: 'small' })`);
  await expectAllPassed(site, 'small');
  await browser.close();
});

test('LOG19 Chromium: a store that the browser empties says so, and is empty when it is opened again', async ({
  scratch,
}) => {
  needsChromium();
  const site = scratch.use(await createSite(), (it) => it.close());
  const browser = scratch.use(await launchChromium({ profile: scratch.folder('gone') }), (it) => it.kill());
  const page = await browser.page(site.origin);
  await page.eval(`worker.postMessage({ outlive: 'contract' })`);
  await site.evidence({ outlive: 'written' });
  await page.send('Storage.clearDataForOrigin', { origin: site.origin, storageTypes: 'indexeddb' });
  const gone = { reading: 'StorageGone', writing: 'StorageGone', viewing: 'StorageGone', afterwards: 'nothing' };
  expect(await site.evidence({ outlive: 'gone' })).toEqual({ outlive: 'gone', ...gone });
  await browser.close();
});

async function expectAllPassed(site: AppServer, room: 'ample' | 'small'): Promise<void> {
  const expected = CASES.filter((contractCase) => contractCase.room === room).length;
  expect(expected).toBeGreaterThan(0);
  expect(await site.evidence({ ran: room }, WITHIN_MS)).toEqual({ ran: room, cases: expected, failures: [] });
}

async function createSite(): Promise<AppServer> {
  return createAppServer({ '/index.html': PAGE, '/worker.js': await buildWorker() });
}

async function buildWorker(): Promise<string> {
  const entry = fileURLToPath(new URL('contract-worker.ts', import.meta.url));
  const built = await build({
    configFile: false,
    publicDir: false,
    logLevel: 'warn',
    build: { write: false, target: 'es2022', lib: { entry, formats: ['iife'], name: 'contract' } },
  });
  const [output] = (Array.isArray(built) ? built : [built]) as Rolldown.RolldownOutput[];
  const [chunk] = output?.output ?? [];
  if (chunk === undefined) throw new Error('nothing was built');
  return chunk.code;
}
