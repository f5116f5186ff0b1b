import { execFile } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

import type { Scratch } from '../../platform/parts/scratch.ts';
import { createScratch } from '../../platform/parts/scratch.ts';
import { createRandom } from '../../support/random.ts';
import type { PowerCutDisk } from '../power-cut.ts';
import { createPowerCutDisk } from '../power-cut.ts';
import type { BrowserName, PowerBrowser } from './browser.ts';
import type { DiskImage } from './disk-image.ts';
import { takeImage } from './disk-image.ts';
import { expectAllIsThere, expectServerKept } from './expectations.ts';
import { LAUNCH, visit } from './launch.ts';
import { lackingChanges, levelDbFolders, nextLog } from './leveldb-log.ts';
import type { Comparison, Told } from './proof.ts';
import { compareView, NotAsTold } from './proof.ts';
import type { PageAgent } from './site/agents.ts';
import type { PowerSite } from './site/power-site.ts';
import { startPowerSite } from './site/power-site.ts';

export interface CutsOptions {
  readonly browser: BrowserName;
  readonly cuts: number;
  /** Acknowledged writes before each cut, at least. */
  readonly writesPerCut: number;
  readonly seed: number;
  /** `relaxed` and `lying` are the controls, which have to lose: see `PowerSiteOptions` and `PowerCutOptions`. */
  readonly control?: 'relaxed' | 'lying';
  /**
   * When the power is cut, after so many writes: `any` time, or `new log`: in the moments after the browser's store began a new
   * log (Chromium), which comes after some thousand writes. Default: `any`.
   */
  readonly moments?: 'any' | 'new log';
}

export interface CutFigures {
  readonly cuts: number;
  readonly acknowledged: number;
  readonly lost: number;
  /** Cuts at which the browser's own store had torn a transaction. */
  readonly torn: number;
}

/** A cut was not borne. What was counted up to it, and with it, is not forgotten. */
export class CutNotBorne extends Error {
  readonly figures: CutFigures;
  constructor(message: string, figures: CutFigures, cause: unknown) {
    super(message, { cause });
    this.figures = figures;
  }
}

/** After the count that a cut waits for, it comes within so long, ms. */
const MOMENT_MS = 400;
/** After a new log was begun; until the last one is in a table it takes about as long. */
const NEW_LOG_MOMENT_MS = 60;
/**
 * Whether a later piece of what was not synced may reach the disk without an earlier one. SQLite bears that. LevelDB calls it
 * corruption, and Chromium then deletes the whole database, strictly committed entries included: no site can prevent it, and
 * a file system that writes in order (ext4, XFS, btrfs) does not leave a log so. docs/reliability.md says more.
 */
const MAY_BE_TORN: Readonly<Record<BrowserName, boolean>> = { chromium: false, firefox: true };

interface World {
  readonly site: PowerSite;
  readonly disk: PowerCutDisk;
  readonly random: () => number;
  readonly options: CutsOptions;
}

/**
 * One browser whose power is cut again and again while its page writes, with the server in reach or not. After each cut the
 * same profile is started as a disk would hold it. Whatever a page was told to be safe has to be shown, once; the log goes
 * on where it ended, without a fork, also where the server held more or less of it; and the server ends with each write once.
 * Where Chromium's own store tore a transaction that was not strict (docs/reliability.md), the device may leave its log. Throws
 * `CutNotBorne` for anything else. A control returns at its first cut, with what it lost.
 */
export async function cutPower(options: CutsOptions): Promise<CutFigures> {
  const scratch = createScratch();
  try {
    const world = await createWorld(scratch, options);
    await firstVisit(world);
    return options.control === undefined ? await cutAndGoOn(world) : await cutOnce(world);
  } finally {
    await scratch.end();
  }
}

async function createWorld(scratch: Scratch, options: CutsOptions): Promise<World> {
  const { control, seed } = options;
  return {
    site: await startPowerSite(scratch, { worker: control === 'relaxed' ? 'relaxed' : 'built' }),
    disk: await createPowerCutDisk({
      folder: scratch.folder('power-cut'),
      disk: control === 'lying' ? 'lying' : 'honest',
    }),
    random: createRandom(seed),
    options,
  };
}

/** The site has been used before, long ago: everything of it is on the disk. */
async function firstVisit({ site, disk, options }: World): Promise<void> {
  const { env } = disk;
  const browser = await LAUNCH[options.browser]({ profile: disk.folder, env });
  try {
    await (await visit(browser, site)).ask('ready', null);
    await browser.close();
  } finally {
    await browser.kill();
  }
  await promisify(execFile)('sync', { env: { ...process.env, ...env, POWER_CUT_DISK: 'honest' } });
}

/** What is looked at after a cut, and afterwards forgotten, unless it was not borne. */
interface Cut {
  /** What the disk chose. */
  readonly choices: string;
  /** What the browser's store lacks between what it has. */
  readonly torn: string | undefined;
  readonly image: DiskImage;
}

async function cutAndGoOn(world: World): Promise<CutFigures> {
  const { site, options } = world;
  const { record } = site;
  let last: Cut | undefined;
  let torn = 0;
  const figuresOf = (cuts: number, lost = 0): CutFigures => ({
    cuts,
    acknowledged: record.count(),
    lost,
    torn,
  });
  for (let cut = 0; cut <= options.cuts; cut++) {
    const isEnd = cut === options.cuts;
    const { browser, agent } = await restart(world);
    try {
      const when = isEnd ? 'in the end' : `after cut ${cut}`;
      if (last?.torn !== undefined) torn += 1;
      await expectAllIsThere(site, agent, when, torn);
      last?.image.forget();
      if (isEnd) await browser.close();
      else last = await writeAndCut(world, browser, agent, `cut${cut}`);
    } catch (error) {
      const lost = error instanceof NotAsTold ? error.comparison.lost.length : 0;
      const where =
        last && `; the disk: ${last.choices}; torn: ${last.torn ?? 'nothing'}; kept in ${last.image.keep()}`;
      throw new CutNotBorne(`${String(error)}${where ?? ''}`, figuresOf(cut, lost), error);
    } finally {
      await browser.kill();
    }
  }
  await site.end();
  await expectServerKept(site);
  return figuresOf(options.cuts);
}

async function restart({ site, disk, options, random }: World): Promise<{ browser: PowerBrowser; agent: PageAgent }> {
  // Whether the server is there when the browser finds itself on that disk.
  site.setOnline(random() < 0.5);
  const browser = await LAUNCH[options.browser]({ profile: disk.folder, env: disk.env });
  return { browser, agent: await visit(browser, site) };
}

/** Writes with the server in reach, without it, or with it coming back, and cuts the power in the middle of that. */
async function writeAndCut(world: World, browser: PowerBrowser, agent: PageAgent, round: string): Promise<Cut> {
  const { site, disk, random, options } = world;
  const { record } = site;
  const server = Math.floor(random() * 3);
  site.setOnline(server === 0);
  const atNewLog = options.moments === 'new log';
  await agent.ask('write', { round, batch: 20 });
  // One is begun before anything is written.
  await record.untilCount(record.count() + (atNewLog ? 1 : options.writesPerCut));
  if (atNewLog) await anyNewLog(disk.folder);
  if (server === 1) site.setOnline(true);
  await delay(random() * (atNewLog ? NEW_LOG_MOMENT_MS : MOMENT_MS));
  const names = random() < 0.5 ? 'synced' : 'newest';
  const bytes = MAY_BE_TORN[options.browser] && random() < 0.5 ? 'torn' : 'lost';
  await disk.cut(browser.pid, { names, bytes, random });
  return {
    choices: `names ${names}, bytes ${bytes}`,
    torn: levelDbFolders(disk.folder)
      .map(lackingChanges)
      .find((lacking) => lacking !== undefined),
    image: takeImage(disk.folder, options.browser),
  };
}

async function anyNewLog(profile: string): Promise<void> {
  const newLogs = levelDbFolders(profile).map((folder) => nextLog(folder));
  for (const newLog of newLogs) newLog.catch(() => undefined); // one of them is enough
  await Promise.race(newLogs);
}

async function cutOnce(world: World): Promise<CutFigures> {
  const { site, disk, options } = world;
  const { record } = site;
  site.setOnline(false);
  const before = await LAUNCH[options.browser]({ profile: disk.folder, env: disk.env });
  try {
    const agent = await visit(before, site);
    await agent.ask('write', { round: 'control', batch: 20 });
    await record.untilCount(options.writesPerCut);
    await disk.cut(before.pid);
  } finally {
    await before.kill();
  }
  const told: Told = new Map(record.entryByItem());
  const browser = await LAUNCH[options.browser]({ profile: disk.folder, env: disk.env });
  try {
    const { lost }: Comparison = await compareView(await visit(browser, site), told);
    return { cuts: 1, acknowledged: told.size, lost: lost.length, torn: 0 };
  } finally {
    await browser.kill();
  }
}
