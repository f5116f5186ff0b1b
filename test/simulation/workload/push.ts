import { fromBase64Url } from '../../../core/log/bytes.ts';
import type { Page, SimTab } from '../browser/sim-tab.ts';

/** What a page does when its user wants notifications: subscribes, and has the worker tell the server. */
export async function enablePush(page: Page, tab: SimTab): Promise<void> {
  const manager = tab.browser.pushManager;
  if (manager === undefined) return;
  const key = fromBase64Url(await page.ask('pushKey', tab.scope));
  if (key === undefined) return;
  const subscription = await manager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
  await page.ask('subscribed', { ...tab.scope, subscription: subscription.toJSON() });
}
