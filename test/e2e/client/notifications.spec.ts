import { expect } from '@playwright/test';

import { playwrightChromium } from '../../platform/chromium.ts';
import { createGcmService } from '../../platform/push-service-gcm.ts';
import { needsChromium, test } from '../../platform/scenario.ts';
import { createPageSite } from './page-site.ts';

test('PAGE8 the question comes within the click; every later visit tells the server again, and a permission taken back ends it', async ({
  scratch,
}) => {
  needsChromium();
  const site = await createPageSite(scratch);
  const service = scratch.use(await createGcmService(), (it) => it.stop());
  const profile = scratch.folder('chromium');
  const context = scratch.use(await playwrightChromium({ profile, args: service.args }), (it) => it.close());
  await context.grantPermissions(['notifications'], { origin: site.origin });
  await context.addInitScript(() => {
    const ask = Notification.requestPermission.bind(Notification);
    Notification.requestPermission = () => {
      Object.assign(window, { askedWithinClick: navigator.userActivation.isActive });
      return ask();
    };
  });
  const page = await context.newPage();
  const told = (route: string): number =>
    site.requests.filter((request) => request === `POST /wakelog/push/${route}`).length;

  await page.goto(`${site.origin}/app`);
  await page.evaluate(async () => {
    const { enableNotifications, status } = await window.connected;
    document.body.insertAdjacentHTML('beforeend', '<button>Notify me</button><output></output>');
    const output = document.querySelector('output');
    document.querySelector('button')?.addEventListener('click', async () => {
      output?.append(await enableNotifications());
    });
    status.subscribe(({ push }) => Object.assign(window, { push }));
  });
  expect(await page.evaluate('push')).toBe('off');
  await page.getByRole('button').click();
  await expect(page.locator('output')).toHaveText('on');
  expect(await page.evaluate('askedWithinClick')).toBe(true);
  await expect.poll(() => page.evaluate('push')).toBe('on');
  expect(told('subscribe')).toBe(1);

  await page.reload();
  await expect.poll(() => told('subscribe')).toBe(2);
  expect(told('unsubscribe')).toBe(0);
  await context.clearPermissions();
  await page.reload();
  await expect.poll(() => told('unsubscribe')).toBe(1);
  expect(await page.evaluate(async () => (await (await window.connected).sync(), 'askedWithinClick' in window))).toBe(
    false,
  );
});
