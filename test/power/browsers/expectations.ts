import { setTimeout as delay } from 'node:timers/promises';

import {
  compareLogs,
  compareView,
  demandClean,
  demandEqual,
  isClean,
  readServer,
  readServerAfterwards,
} from './proof.ts';
import type { Comparison, Told } from './proof.ts';
import type { PageAgent } from './site/agents.ts';
import type { PowerSite } from './site/power-site.ts';

/**
 * The page shows what its writers were told, each write once, whatever the server does; then the server gets what it lacks
 * and has each once, without a fork, in one log of the page's device. Leaves the server in reach.
 */
export async function expectAllIsThere(site: PowerSite, agent: PageAgent, when: string, tornCuts = 0): Promise<void> {
  const told: Told = new Map(site.record.entryByItem());
  demandClean(`the page ${when}`, await compareView(agent, told));
  await expectAtServer(site, agent, told, when);
  await expectOneHistory(site, agent, told.size === 0 ? 0 : 2 + tornCuts, when);
}

/** One log of the page's and one of the server's: nothing made the device open another, unless a cut tore the last one. */
async function expectOneHistory(site: PowerSite, agent: PageAgent, mostLogs: number, when: string): Promise<void> {
  const { logs, forks } = await readServer(site);
  demandEqual(`forks ${when}`, forks, 0);
  demandEqual(`logs ${when}`, Math.min(logs.length, mostLogs), logs.length);
  demandEqual(`conflicts ${when}`, (await agent.ask('status', null)).conflicts, 0);
}

/**
 * The server gets what it lacks, by and by, and has each of these writes once. A device that leaves a log has, for a moment,
 * nothing unsent in its new one: that it says so is no sign that the server has all.
 */
export async function expectAtServer(site: PowerSite, agent: PageAgent, told: Told, when: string): Promise<void> {
  site.setOnline(true);
  await agent.ask('sync', null);
  await agent.ask('sent', null);
  await demandSoon(`the server ${when}`, async () => compareLogs(await readServer(site), told));
}

export interface ServerDemands {
  /** Default: all that was told. */
  readonly told?: Told;
  /** Whether histories that contradict each other have to be there. Default: none may. */
  readonly forks?: 'none' | 'some' | 'either';
}

/** The server's own disk, once the site has ended, against what somebody was told. */
export async function expectServerKept({ dataDir, record }: PowerSite, demands: ServerDemands = {}): Promise<void> {
  const { told = record.entryByItem(), forks = 'none' } = demands;
  const state = await readServerAfterwards(dataDir);
  demandClean('the disk of the server', compareLogs(state, told));
  if (forks !== 'either') demandEqual('forks on the disk of the server', state.forks > 0 ? 'some' : 'none', forks);
}

const LEVEL_WITHIN_MS = 15_000;
const LOOK_EVERY_MS = 200;

/** The page shows all of it, by and by: what the server has may still be on its way. */
export function expectShown(agent: PageAgent, told: Told, where: string): Promise<void> {
  return demandSoon(where, async () => {
    await agent.ask('sync', null);
    return compareView(agent, told);
  });
}

async function demandSoon(where: string, compare: () => Promise<Comparison>): Promise<void> {
  const end = Date.now() + LEVEL_WITHIN_MS;
  let found = await compare();
  while (!isClean(found) && Date.now() < end) {
    await delay(LOOK_EVERY_MS);
    found = await compare();
  }
  demandClean(where, found);
}
