import { launchChromium } from '../../platform/chromium.ts';
import type { ChromiumPage } from '../../platform/parts/chromium-page.ts';
import type { BrowserOptions, PowerBrowser } from './browser.ts';

export async function launchPowerChromium({ profile, env = {}, roomBytes }: BrowserOptions): Promise<PowerBrowser> {
  const browser = await withEnvironment(env, () => launchChromium({ profile }));
  /** A blank page for commands that live in page sessions. */
  let blank: Promise<ChromiumPage> | undefined;
  const control = async (): Promise<ChromiumPage> => {
    blank ??= browser.page().then(async (page) => {
      await page.send('ServiceWorker.enable');
      return page;
    });
    return blank;
  };
  const setRoom = async (origin: string, quotaSize: number | undefined): Promise<void> => {
    await (await control()).send('Storage.overrideQuotaForOrigin', { origin, quotaSize });
  };
  return {
    name: 'chromium',
    pid: browser.pid,
    async open(url) {
      // Before the site opens a database: what is left of its room is looked up then.
      if (roomBytes !== undefined) await setRoom(new URL(url).origin, roomBytes);
      await browser.send('Target.createTarget', { url });
    },
    async stopWorkers() {
      await (await control()).send('ServiceWorker.stopAllWorkers');
    },
    async clearSite(origin, what) {
      const storageTypes = what === 'everything' ? 'all' : 'indexeddb';
      await (await control()).send('Storage.clearDataForOrigin', { origin, storageTypes });
    },
    liftRoom: (origin) => setRoom(origin, undefined),
    close: browser.close,
    kill: browser.kill,
  };
}

/** The driver starts its process with our environment before it first waits for anything. */
function withEnvironment<T>(env: Readonly<Record<string, string>>, start: () => Promise<T>): Promise<T> {
  const before = { ...process.env };
  Object.assign(process.env, env);
  try {
    return start();
  } finally {
    for (const name of Object.keys(env)) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
  }
}
