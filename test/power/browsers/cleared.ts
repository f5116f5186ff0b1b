import { setTimeout as delay } from 'node:timers/promises';

import { createScratch } from '../../platform/parts/scratch.ts';
import { createRandom } from '../../support/random.ts';
import type { BrowserName, PowerBrowser } from './browser.ts';
import { expectAtServer, expectServerKept, expectShown } from './expectations.ts';
import { LAUNCH, visit } from './launch.ts';
import { compareLogs, readServer } from './proof.ts';
import type { Told } from './proof.ts';
import type { PageAgent } from './site/agents.ts';
import type { PowerSite } from './site/power-site.ts';
import { startPowerSite } from './site/power-site.ts';

export interface ClearedOptions {
  readonly browser: BrowserName;
  readonly times: number;
  readonly seed: number;
}

export interface ClearedFigures {
  readonly cleared: number;
  readonly acknowledged: number;
  /** Unsent when the site was cleared: they are gone, as whoever cleared it was asking for. */
  readonly gone: number;
}

const WRITES = 200;
const MOMENT_MS = 300;
/** A request that was cut off is sent again after 4, 8, 16 and 32 s (PAGE2). */
const LAST_ANSWER_MS = 90_000;
/** What a write under way may be told: to be sent again. */
const MAY_FAIL: readonly string[] = ['busy', 'status 503'];

/**
 * The site's data is cleared while its page writes (CAP36): databases alone, then everything and a new visit, in turn. What
 * the server had comes back, once; what is acknowledged after it is kept, in a new log; nothing is sent twice; whoever
 * writes while it is cleared is told to try again, if anything.
 */
export async function clearWhileWriting({ browser: name, times, seed }: ClearedOptions): Promise<ClearedFigures> {
  const scratch = createScratch();
  const random = createRandom(seed);
  try {
    const site = await startPowerSite(scratch);
    const browser = scratch.use(await LAUNCH[name]({ profile: scratch.folder('cleared') }), (it) => it.kill());
    const gone = new Set<string>();
    const kept = (): Told => new Map([...site.record.entryByItem()].filter(([item]) => !gone.has(item)));
    let agent = await visit(browser, site, 'visit0');
    await agent.ask('ready', null);
    for (let time = 0; time < times; time++) {
      const what = time % 2 === 0 ? 'databases' : 'everything';
      const atServer = await writeAndClear({ site, browser, agent, random, time }, what);
      const before = [...site.record.entryByItem().keys()];
      if (what === 'everything') {
        // The tab that is open already would go on writing, by the new worker too, and never be level.
        await agent.ask('quiet', null);
        agent = await visit(browser, site, `visit${time + 1}`);
        await agent.ask('write', { round: `again${time}`, batch: 5 });
      }
      await site.record.untilCount(site.record.count() + WRITES);
      await agent.ask('stop', null, LAST_ANSWER_MS);
      site.setOnline(true);
      await agent.ask('sync', null);
      await agent.ask('sent', null);
      const { lost } = compareLogs(await readServer(site), site.record.entryByItem());
      const mayBeGone = new Set(before.filter((item) => !atServer.has(item)));
      for (const item of lost) if (mayBeGone.has(item)) gone.add(item);
      await expectAtServer(site, agent, kept(), `after it was cleared ${time + 1} times`);
      await expectShown(agent, kept(), `the page after it was cleared ${time + 1} times`);
    }
    await browser.close();
    await site.end();
    await expectServerKept(site, { told: kept() });
    const failed = site.record.failures().filter(({ code }) => !MAY_FAIL.includes(code));
    if (failed.length > 0) throw new Error(`writes failed for good: ${JSON.stringify(failed)}`);
    return { cleared: times, acknowledged: site.record.count(), gone: gone.size };
  } finally {
    await scratch.end();
  }
}

interface Moment {
  readonly site: PowerSite;
  readonly browser: PowerBrowser;
  readonly agent: PageAgent;
  readonly random: () => number;
  readonly time: number;
}

/** Returns once it is cleared and everything that was acknowledged before is known. What the server had before it. */
async function writeAndClear(
  { site, browser, agent, random, time }: Moment,
  what: 'databases' | 'everything',
): Promise<ReadonlySet<string>> {
  site.setOnline(random() < 0.5);
  await agent.ask('write', { round: `clear${time}`, batch: 5 });
  await site.record.untilCount(site.record.count() + WRITES);
  await delay(random() * MOMENT_MS);
  const told = site.record.entryByItem();
  const { lost } = compareLogs(await readServer(site), told);
  const lacking = new Set(lost);
  const atServer = new Set([...told.keys()].filter((item) => !lacking.has(item)));
  await browser.clearSite(site.origin, what);
  // Its answer comes after the acknowledgements that the page has told by then.
  await agent.ask('ping', null);
  return atServer;
}
