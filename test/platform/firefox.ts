import { firefox } from '@playwright/test';
import type { BrowserContext, Page } from '@playwright/test';

import { firefoxExecutable } from './parts/executables.ts';
import { QUIET_PREFS, pushPrefs } from './parts/firefox-prefs.ts';
import type { FirefoxPrefs } from './parts/firefox-prefs.ts';
import { answerMediaFeaturesLocally } from './parts/playwright-esr.ts';
import { killTree, ownProcessNaming } from './parts/processes.ts';
import { endWithUs } from './parts/scratch.ts';

export interface FirefoxOptions {
  /** Persistent profile folder. The same folder again is a relaunch of the same browser. */
  readonly profile: string;
  /** ws: address of the push service; notifications are then granted to every site. Keep the port over relaunches. */
  readonly pushUrl?: string;
  /** On top of the quiet and the push prefs. */
  readonly prefs?: FirefoxPrefs;
  readonly args?: readonly string[];
}

/** Stock Firefox under Playwright (BiDi). Its workers are not visible to Playwright: tests use evidence. */
export interface Firefox {
  readonly pid: number;
  readonly context: BrowserContext;
  page(url?: string): Promise<Page>;
  /** Closes every tab but one blank one, which keeps the browser running. */
  closeTabs(): Promise<void>;
  /** A clean quit. */
  close(): Promise<void>;
  /** SIGKILL to the browser and all its processes. */
  kill(): Promise<void>;
}

/** `kill()` or `close()`, then launch again with the same profile, is a relaunch. */
export async function launchFirefox({ profile, pushUrl, prefs = {}, args = [] }: FirefoxOptions): Promise<Firefox> {
  const executablePath = firefoxExecutable();
  if (executablePath === null) throw new Error('no Firefox found: install firefox-esr or name one in WAKELOG_FIREFOX');
  answerMediaFeaturesLocally();
  const context = await firefox.launchPersistentContext(profile, {
    channel: 'moz-firefox',
    executablePath,
    headless: true,
    args: [...args],
    firefoxUserPrefs: { ...QUIET_PREFS, ...(pushUrl === undefined ? {} : pushPrefs(pushUrl)), ...prefs },
    env: {
      ...(process.env as Record<string, string>),
      HOME: profile, // must be owned by the user that runs Firefox, which is not so in every container
      MOZ_DISABLE_NONLOCAL_CONNECTIONS: '1', // a test that reaches for the internet fails loudly
      MOZ_CRASHREPORTER_DISABLE: '1',
    },
  });
  const pid = ownProcessNaming(profile);
  const forget = endWithUs(pid);
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  context.once('close', () => {
    forget();
    resolve();
  });
  let ended = false;
  return {
    pid,
    context,
    async page(url) {
      const page = await context.newPage();
      if (url !== undefined) await page.goto(url);
      return page;
    },
    async closeTabs() {
      const tabs = context.pages();
      await context.newPage();
      for (const tab of tabs) await tab.close();
    },
    async close() {
      if (ended) return;
      ended = true;
      await context.close();
    },
    async kill() {
      if (ended) return;
      ended = true;
      await killTree(pid);
      await closed;
    },
  };
}
