import { setTimeout as delay } from 'node:timers/promises';

import { createScratch } from '../../platform/parts/scratch.ts';
import { createRandom } from '../../support/random.ts';
import type { BrowserName, PowerBrowser } from './browser.ts';
import { takeImage } from './disk-image.ts';
import { expectAllIsThere, expectServerKept } from './expectations.ts';
import { LAUNCH, visit } from './launch.ts';
import { tearEnds } from './leveldb-log.ts';
import { startPowerSite } from './site/power-site.ts';

export interface KillsOptions {
  readonly browser: BrowserName;
  readonly kills: number;
  readonly seed: number;
}

export interface KillFigures {
  readonly kills: number;
  readonly acknowledged: number;
}

/** After the page began to write, a kill comes within so long, ms; some come before its first write. */
const MOMENT_MS = 600;
/** So many kills pass before everything is looked at; a launch of its own for each would be most of the time. */
const KILLS_BETWEEN_LOOKS = 5;

/**
 * SIGKILL to the browser and all its processes while a page writes and the server comes and goes. Each life begins to write
 * at once, on what the one before left, so that kills also meet a worker that has just begun (S2.11, CAP33). Every second one finds
 * Chromium's log torn at its end, as a kill in the middle of a write leaves it, which few of so many would do (LOG22).
 */
export async function killBrowser({ browser: name, kills, seed }: KillsOptions): Promise<KillFigures> {
  const scratch = createScratch();
  const random = createRandom(seed);
  try {
    const site = await startPowerSite(scratch);
    const profile = scratch.folder('killed');
    const live = async <T>(use: (browser: PowerBrowser) => Promise<T>): Promise<T> => {
      const browser = await LAUNCH[name]({ profile });
      try {
        return await use(browser);
      } catch (error) {
        await browser.kill();
        throw new Error(`${String(error)}; the databases are kept in ${takeImage(profile, name).keep()}`, {
          cause: error,
        });
      } finally {
        await browser.kill();
      }
    };
    await live(async (browser) => {
      await (await visit(browser, site)).ask('ready', null);
      await browser.close();
    });
    let isTorn = false;
    for (let kill = 0; kill < kills; kill++) {
      site.setOnline(random() < 0.5);
      await live(async (browser) => {
        const agent = await visit(browser, site);
        if (kill % KILLS_BETWEEN_LOOKS === 0) await expectAllIsThere(site, agent, `after ${kill} kills`);
        const before = site.record.mark();
        await agent.ask('write', { round: `kill${kill}`, batch: 20 });
        // What is killed behind a torn end before it has begun a new log nobody can save.
        if (isTorn || random() < 0.8) await site.record.next({ after: before });
        site.setOnline(random() < 0.5);
        await delay(random() * MOMENT_MS);
      });
      isTorn = name === 'chromium' && random() < 0.5;
      if (isTorn) tearEnds(profile);
    }
    await live(async (browser) => {
      await expectAllIsThere(site, await visit(browser, site), 'in the end');
      await browser.close();
    });
    await site.end();
    await expectServerKept(site);
    return { kills, acknowledged: site.record.count() };
  } finally {
    await scratch.end();
  }
}
