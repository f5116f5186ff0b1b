import { expect } from '@playwright/test';
import webPush from 'web-push';
import type { PushSubscription as WebPushSubscription } from 'web-push';

import { launchFirefox } from '../../platform/firefox.ts';
import { createAutopushService } from '../../platform/push-service-autopush.ts';
import { needsFirefox, test } from '../../platform/scenario.ts';
import { createSite, sendPush } from './site.ts';

test('PLATFORM Firefox: push reaches a worker without a tab, and after SIGKILL and relaunch', async ({ scratch }) => {
  needsFirefox();
  const site = scratch.use(await createSite(), (it) => it.close());
  const service = scratch.use(await createAutopushService(), (it) => it.stop());
  const options = { profile: scratch.folder('firefox'), pushUrl: service.pushUrl };
  const keys = webPush.generateVAPIDKeys();
  const first = scratch.use(await launchFirefox(options), (it) => it.kill());
  const page = await first.page(site.origin);
  const subscription = await page.evaluate<WebPushSubscription>(`subscribe('${keys.publicKey}')`);
  await page.evaluate(`ask({ put: 'row' })`);
  await page.close();

  await sendPush(service, subscription, keys, 'no tab');
  await site.evidence({ text: 'no tab', tabs: 0, notifications: 1 });
  await service.log.until('ack', ({ code }) => code === 100);
  await service.stop();
  await service.start();
  await service.log.until('connect', ({ known }) => known, { after: service.log.mark() });
  await expect(sendPush(service, subscription, webPush.generateVAPIDKeys(), 'forged')).rejects.toMatchObject({
    statusCode: 403,
  });
  service.failNext(429, { headers: { 'retry-after': '7' } });
  await expect(sendPush(service, subscription, keys, 'slow down')).rejects.toMatchObject({
    statusCode: 429,
    headers: { 'retry-after': '7' },
  });

  await first.kill();
  for (const text of ['away 1', 'away 2', 'away 3']) await sendPush(service, subscription, keys, text, 'away');
  expect(service.log.all('replaced')).toHaveLength(2);
  const second = scratch.use(await launchFirefox(options), (it) => it.kill());
  await site.evidence({ text: 'away 3', tabs: 0 });
  expect(site.log.all('evidence').map(({ text }) => text)).toEqual(['no tab', 'away 3']);
  const again = await second.page(site.origin);
  expect(await again.evaluate('ask({})')).toEqual(['row']);
  expect(await again.evaluate('subscription()')).toBe(subscription.endpoint);
  await second.close();
});
