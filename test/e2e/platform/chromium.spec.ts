import { expect } from '@playwright/test';
import webPush from 'web-push';
import type { PushSubscription as WebPushSubscription } from 'web-push';

import { backgroundSyncArgs, grantNotifications, launchChromium, playwrightChromium } from '../../platform/chromium.ts';
import { createGcmService } from '../../platform/push-service-gcm.ts';
import { needsChromium, test } from '../../platform/scenario.ts';
import { createSite, sendPush } from './site.ts';

test('PLATFORM Chromium: push reaches a worker without a tab, also one stopped, and after a relaunch', async ({
  scratch,
}) => {
  needsChromium();
  const site = scratch.use(await createSite(), (it) => it.close());
  const service = scratch.use(await createGcmService(), (it) => it.stop());
  const profile = scratch.folder('chromium');
  grantNotifications(profile, site.origin);
  const keys = webPush.generateVAPIDKeys();
  const first = scratch.use(await launchChromium({ profile, args: service.args }), (it) => it.kill());
  const page = await first.page(site.origin);
  const subscription = await page.eval<WebPushSubscription>(`subscribe('${keys.publicKey}')`);
  await page.close();
  expect(await first.tabs()).toEqual(['about:blank']);

  await sendPush(service, subscription, keys, 'running');
  await site.evidence({ text: 'running', tabs: 0, notifications: 1 });
  await first.workers.stopAll();
  await sendPush(service, subscription, keys, 'stopped');
  await site.evidence({ text: 'stopped', tabs: 0, notifications: 1 });
  await expect(sendPush(service, subscription, webPush.generateVAPIDKeys(), 'forged')).rejects.toMatchObject({
    statusCode: 403,
  });

  await first.close();
  for (const text of ['away 1', 'away 2', 'away 3']) await sendPush(service, subscription, keys, text, 'away');
  expect(service.log.all('replaced')).toHaveLength(2);
  scratch.use(await launchChromium({ profile, args: service.args }), (it) => it.kill());
  await site.evidence({ text: 'away 3', tabs: 0 });
  expect(site.log.all('evidence').map(({ text }) => text)).toEqual(['running', 'stopped', 'away 3']);

  service.expire(subscription.endpoint);
  await expect(sendPush(service, subscription, keys, 'gone')).rejects.toMatchObject({ statusCode: 410 });
});

test('PLATFORM Chromium: SIGKILL and relaunch keep what a worker stored', async ({ scratch }) => {
  needsChromium();
  const site = scratch.use(await createSite(), (it) => it.close());
  const profile = scratch.folder('chromium');
  const first = scratch.use(await launchChromium({ profile }), (it) => it.kill());
  const page = await first.page(site.origin);
  await page.eval(`ask({ put: 'row' })`);
  expect(await first.workers.list()).toMatchObject([
    { scope: `${site.origin}/`, status: 'activated', running: 'running' },
  ]);
  await first.kill();
  await expect(page.eval('1')).rejects.toThrow('the browser is gone');

  const second = scratch.use(await launchChromium({ profile }), (it) => it.kill());
  expect(await second.workers.list()).toMatchObject([{ scope: `${site.origin}/`, running: 'stopped' }]);
  await second.workers.deliverSync(`${site.origin}/`, 'by hand');
  await site.evidence({ kind: 'sync', tag: 'by hand', tabs: 0 });
  const again = await second.page(site.origin);
  expect(await again.eval('ask({})')).toEqual(['row']);
});

test('PLATFORM Chromium: Background Sync waits for the network and fires with every tab closed', async ({
  scratch,
}) => {
  needsChromium();
  const site = scratch.use(await createSite(), (it) => it.close());
  const context = scratch.use(await playwrightChromium({ profile: scratch.folder('chromium') }), (it) => it.close());
  const page = await context.newPage();
  await page.goto(site.origin);
  await page.evaluate('ready');
  await context.setOffline(true);
  await page.evaluate(`registerSync('later')`);
  await page.close();
  expect(site.log.all('evidence')).toEqual([]);
  await context.setOffline(false);
  await site.evidence({ kind: 'sync', tag: 'later', tabs: 0 });
});

test('PLATFORM Chromium: a rejected sync event comes back soon, without a tab, until its last chance', async ({
  scratch,
}) => {
  needsChromium();
  const site = scratch.use(await createSite(), (it) => it.close());
  const options = {
    profile: scratch.folder('chromium'),
    args: backgroundSyncArgs({ firstRetrySec: 2, maxAttempts: 2 }),
  };
  const chromium = scratch.use(await launchChromium(options), (it) => it.kill());
  const page = await chromium.page(site.origin);
  await page.eval(`registerSync('in vain')`);
  await page.close();
  await site.evidence({ tag: 'in vain', lastChance: false });
  await site.evidence({ tag: 'in vain', lastChance: true, tabs: 0 });
});
