import { setTimeout as delay } from 'node:timers/promises';

import { createScratch } from '../../platform/parts/scratch.ts';
import { createRandom } from '../../support/random.ts';
import type { BrowserName } from './browser.ts';
import { expectAllIsThere, expectServerKept } from './expectations.ts';
import { LAUNCH, visit } from './launch.ts';
import { demandEqual } from './proof.ts';
import { startPowerSite } from './site/power-site.ts';

export interface StopsOptions {
  readonly browser: BrowserName;
  readonly stops: number;
  readonly seed: number;
}

export interface StopFigures {
  readonly stops: number;
  readonly acknowledged: number;
}

/** A worker that answered a write is stopped within so long, ms: while it works on others. */
const MOMENT_MS = 150;
/** The server comes and goes once in so many stops. */
const STOPS_FOR_SERVER = 10;
/** A request that was cut off is sent again after 4, 8, 16 and 32 s (PAGE2). */
const LAST_ANSWER_MS = 90_000;

/**
 * The worker is stopped again and again in the middle of its events, each time after it has written something. The page
 * sees no failure: what is cut off is sent again, and is written once (PAGE2, CAP30, CAP33).
 */
export async function stopWorkers({ browser: name, stops, seed }: StopsOptions): Promise<StopFigures> {
  const scratch = createScratch();
  const random = createRandom(seed);
  try {
    const site = await startPowerSite(scratch);
    const browser = scratch.use(await LAUNCH[name]({ profile: scratch.folder('stopped') }), (it) => it.kill());
    const agent = await visit(browser, site);
    await agent.ask('ready', null);
    await agent.ask('write', { round: 'stops', batch: 5 });
    for (let stop = 0; stop < stops; stop++) {
      if (stop % STOPS_FOR_SERVER === 0) site.setOnline(random() < 0.5);
      await site.record.next({ after: site.record.mark() });
      await delay(random() * MOMENT_MS);
      await browser.stopWorkers();
    }
    await agent.ask('stop', null, LAST_ANSWER_MS);
    const { code, items } = site.record.failures()[0] ?? {};
    demandEqual('failed writes', items === undefined ? 'none' : `${code}: ${items.join(' ')}`, 'none');
    await expectAllIsThere(site, agent, `after ${stops} stops`);
    await browser.close();
    await site.end();
    await expectServerKept(site);
    return { stops, acknowledged: site.record.count() };
  } finally {
    await scratch.end();
  }
}
