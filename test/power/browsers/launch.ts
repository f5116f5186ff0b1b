import type { BrowserName, BrowserOptions, PowerBrowser } from './browser.ts';
import { launchPowerChromium } from './chromium-browser.ts';
import { launchFirefoxOnMarionette } from './firefox-browser.ts';
import type { PageAgent } from './site/agents.ts';
import type { PowerSite } from './site/power-site.ts';

/** What a test or a job has of one browser. */
export type Launch = (options: BrowserOptions) => Promise<PowerBrowser>;

export const LAUNCH: Readonly<Record<BrowserName, Launch>> = {
  chromium: launchPowerChromium,
  firefox: launchFirefoxOnMarionette,
};

/** Opens the site in a new tab, under a name of its own in this browser. */
export async function visit(
  browser: PowerBrowser,
  { agents, origin }: PowerSite,
  name: string = browser.name,
): Promise<PageAgent> {
  const opening = agents.opening(name);
  await browser.open(`${origin}/?agent=${name}`);
  return opening;
}
