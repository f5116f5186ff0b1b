import { setTimeout as delay } from 'node:timers/promises';

import { createScratch } from '../../platform/parts/scratch.ts';
import { createRandom } from '../../support/random.ts';
import type { BrowserName } from './browser.ts';
import { expectAllIsThere, expectServerKept } from './expectations.ts';
import { LAUNCH, visit } from './launch.ts';
import { demandEqual, presentOf, readServer } from './proof.ts';
import { startPowerSite } from './site/power-site.ts';

export interface QuotaOptions {
  readonly browser: BrowserName;
  readonly times: number;
  readonly seed: number;
}

export interface QuotaFigures {
  readonly times: number;
  readonly acknowledged: number;
  readonly refused: number;
}

const ROOM_BYTES = 20_000_000;
const MOMENT_MS = 300;
/** What the page is told when there is no more room: by `connect()`, and by fetch. */
const FULL = new Set(['storage-full', 'status 507']);

/**
 * The site's room runs out at some moment of writing, and with half of the times the browser is killed while it is full (LOG18).
 * Writes then fail, and only then; what failed is nowhere, what was acknowledged is kept, and with room again writing goes on.
 */
export async function runOutOfRoom({ browser: name, times, seed }: QuotaOptions): Promise<QuotaFigures> {
  const scratch = createScratch();
  const random = createRandom(seed);
  try {
    const site = await startPowerSite(scratch);
    const { record } = site;
    const profile = scratch.folder('full');
    for (let time = 0; time < times; time++) {
      const browser = await LAUNCH[name]({ profile, roomBytes: ROOM_BYTES });
      try {
        const agent = await visit(browser, site);
        if (time === 0) await agent.ask('ready', null);
        site.setOnline(random() < 0.5);
        await agent.ask('write', { round: `full${time}`, batch: 20 });
        await delay(random() * MOMENT_MS);
        const failing = record.nextFailure({ after: record.mark(), withinMs: 30_000 });
        await agent.ask('fill', null);
        await failing;
        if (random() < 0.5) continue;
        await agent.ask('unfill', null);
        await browser.liftRoom(site.origin);
        await record.untilCount(record.count() + 100);
        await agent.ask('stop', null);
        await expectAllIsThere(site, agent, `after its room ran out ${time + 1} times`);
        await browser.close();
      } finally {
        await browser.kill();
      }
    }
    await proveInTheEnd();
    return { times, acknowledged: record.count(), refused: record.failures().length };

    async function proveInTheEnd(): Promise<void> {
      const browser = await LAUNCH[name]({ profile });
      try {
        await expectAllIsThere(site, await visit(browser, site), 'in the end');
        const failures = record.failures();
        const other = failures.find(({ code }) => !FULL.has(code));
        demandEqual('writes that failed for another reason', other?.code ?? 'none', 'none');
        const present = presentOf(
          await readServer(site),
          failures.flatMap(({ items }) => items),
        );
        demandEqual('writes that failed and are there', present.join(' '), '');
        await browser.close();
      } finally {
        await browser.kill();
      }
      await site.end();
      await expectServerKept(site);
    }
  } finally {
    await scratch.end();
  }
}
