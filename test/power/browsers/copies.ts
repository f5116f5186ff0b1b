import { cpSync } from 'node:fs';
import { join } from 'node:path';

import type { Scratch } from '../../platform/parts/scratch.ts';
import { createScratch } from '../../platform/parts/scratch.ts';
import type { BrowserName, PowerBrowser } from './browser.ts';
import { expectAtServer, expectServerKept, expectShown } from './expectations.ts';
import { LAUNCH, visit } from './launch.ts';
import type { PageAgent } from './site/agents.ts';
import type { PowerSite } from './site/power-site.ts';
import { startPowerSite } from './site/power-site.ts';

export interface CopiesOptions {
  readonly browser: BrowserName;
  /**
   * What becomes of a profile that was copied while it had unsent entries:
   * - `both offline`: both write before either meets the server, so that one log has two histories;
   * - `both online`: both write with the server in reach, at the same time;
   * - `one later`: one is used and level; then the other one, which is older, is.
   */
  readonly use: 'both offline' | 'both online' | 'one later';
}

export interface CopyFigures {
  readonly acknowledged: number;
}

interface World {
  readonly scratch: Scratch;
  readonly site: PowerSite;
  readonly name: BrowserName;
}

interface Copy {
  readonly browser: PowerBrowser;
  readonly agent: PageAgent;
}

const WRITES = 120;
/** Proof that a case is what it says. */
const FORKS = { 'both offline': 'some', 'both online': 'either', 'one later': 'none' } as const;

/**
 * A profile is copied and both copies are used (S1.2, S1.10). What each wrote, before and after, is at the server in the
 * end, each write once, whatever logs it took; and both show all of it.
 */
export async function useCopies({ browser: name, use }: CopiesOptions): Promise<CopyFigures> {
  const scratch = createScratch();
  try {
    const world: World = { scratch, site: await startPowerSite(scratch), name };
    const { site } = world;
    const profiles = await makeCopies(world);
    site.setOnline(use !== 'both offline');
    const copies = await (use === 'one later' ? useOneAfterTheOther(world, profiles) : useAtOnce(world, profiles));
    site.setOnline(true);
    const told = new Map(site.record.entryByItem());
    for (const { agent } of copies) {
      await agent.ask('sync', null);
      await agent.ask('sent', null);
    }
    for (const [i, { agent }] of copies.entries()) {
      await expectAtServer(site, agent, told, `with copy ${i}`);
      await expectShown(agent, told, `copy ${i} in the end`);
    }
    for (const { browser } of copies) await browser.close();
    await site.end();
    await expectServerKept(site, { forks: FORKS[use] });
    return { acknowledged: site.record.count() };
  } finally {
    await scratch.end();
  }
}

/** Two profiles with the same log, of which the server has a part. */
async function makeCopies({ scratch, site, name }: World): Promise<readonly [string, string]> {
  const folder = scratch.folder('copied');
  const profiles = [join(folder, 'one'), join(folder, 'two')] as const;
  const browser = await LAUNCH[name]({ profile: profiles[0] });
  try {
    const agent = await visit(browser, site);
    await agent.ask('ready', null);
    await writeSome(site, agent, 'sent');
    await agent.ask('sent', null);
    site.setOnline(false);
    await writeSome(site, agent, 'unsent');
    await browser.close();
  } finally {
    await browser.kill();
  }
  cpSync(profiles[0], profiles[1], { recursive: true, verbatimSymlinks: true });
  return profiles;
}

async function useAtOnce(world: World, profiles: readonly [string, string]): Promise<readonly Copy[]> {
  const copies = [await open(world, profiles[0], 'one'), await open(world, profiles[1], 'two')];
  await Promise.all(copies.map(({ agent }, i) => writeSome(world.site, agent, `copy${i}`)));
  return copies;
}

async function useOneAfterTheOther(world: World, profiles: readonly [string, string]): Promise<readonly Copy[]> {
  const one = await open(world, profiles[0], 'one');
  await writeSome(world.site, one.agent, 'copy0');
  await one.agent.ask('sent', null);
  const two = await open(world, profiles[1], 'two');
  await two.agent.ask('sync', null);
  await writeSome(world.site, two.agent, 'copy1');
  return [one, two];
}

async function open({ scratch, site, name }: World, profile: string, as: string): Promise<Copy> {
  const browser = scratch.use(await LAUNCH[name]({ profile }), (it) => it.kill());
  return { browser, agent: await visit(browser, site, as) };
}

async function writeSome({ record }: PowerSite, agent: PageAgent, round: string): Promise<void> {
  const wanted = record.count() + WRITES;
  await agent.ask('write', { round, batch: 5 });
  await record.untilCount(wanted);
  await agent.ask('stop', null);
}
