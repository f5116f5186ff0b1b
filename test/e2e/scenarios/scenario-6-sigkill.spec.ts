import { cpSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from '@playwright/test';

import { openDevice } from '../../../server/device/index.ts';
import type { NodeDevice } from '../../../server/device/index.ts';
import { launchChromium } from '../../platform/chromium.ts';
import type { Chromium } from '../../platform/chromium.ts';
import type { ChromiumPage } from '../../platform/parts/chromium-page.ts';
import { needsChromium, test } from '../../platform/scenario.ts';
import { startServerBehindGate } from '../../platform/server-process.ts';
import { createRandom } from '../../support/random.ts';
import { expectEachOnce, idsByLog, readLeftBehind } from './kill-proof.ts';
import type { WriterRecord } from './kill-writers.ts';
import { createWriterRecord, startNodeWriter, startPageWriters } from './kill-writers.ts';
import { readLogs } from './sends-log.ts';
import type { SendsSite } from './sends-site.ts';
import { COLLECTION, originOf, PAGE_IS_READY, serveCommand, SPACE, startSendsSite } from './sends-site.ts';

const ROUNDS = 20;
const SEED = Number(process.env['WAKELOG_SEED'] ?? 6);
/** The last kill of a round comes within so long after the round's first acknowledgement, ms. */
const ROUND_MS = 400;

interface World {
  readonly site: SendsSite;
  readonly profile: string;
  readonly record: WriterRecord;
  readonly random: () => number;
}

test('Scenario 6: S2.11 S1.1 S2.13 SYNC2 LOG10 VIEW3 SIGKILL of browser and server at random moments of writing and syncing, 20 each: every acknowledged entry exists exactly once everywhere', async ({
  scratch,
}) => {
  needsChromium();
  test.setTimeout(300_000);
  test.info().annotations.push({ type: 'seed', description: String(SEED) });
  const site = await startSendsSite(scratch);
  const { gate } = site.server;
  const world: World = {
    site,
    profile: scratch.folder('chromium'),
    record: createWriterRecord(),
    random: createRandom(SEED),
  };
  const { record } = world;
  await firstVisit(world);
  const node = scratch.use(await openDevice({ url: gate.origin, space: SPACE, account: 'bob' }), (it) => it.close());
  const stopNodeWriter = scratch.use(startNodeWriter(node, record), (stop) => stop());
  let serverRuns = true;
  for (let round = 0; round < ROUNDS; round++) serverRuns = await killBoth(world, round, serverRuns);
  await stopNodeWriter();
  expect(record.all('failed')).toEqual([]);
  const acknowledged = record.all('acknowledged');
  for (const by of ['fetch', 'connect', 'node'])
    expect(acknowledged.filter((each) => each.by === by).length).toBeGreaterThan(ROUNDS);

  if (!serverRuns) await site.server.restart();
  const browser = scratch.use(await launchChromium({ profile: world.profile }), (it) => it.kill());
  const page = await browser.page(originOf(gate));
  await page.until('wakelog.then(({ status }) => status.getSnapshot().unsent === 0)', 30_000);
  expect(await node.sync()).toBe('level');
  const fresh = await site.device();

  // The browser shows what any device shows, every acknowledged item included.
  const shown = await fresh.collection(COLLECTION).list();
  await expect.poll(() => itemsIn(page)).toEqual(shown);
  const shownIds = new Set(shown.map(({ id }) => id));
  const lost = acknowledged.filter(({ item }) => !shownIds.has(item));
  if (lost.length > 0) await keepEvidence(world, browser, page);
  expect(lost).toEqual([]);

  // The server's disk: two logs of two devices, whole and without a fork, each acknowledged entry once.
  await node.close();
  await site.server.kill();
  const left = await readLeftBehind(site.dataDir);
  expect(left.forks).toBe(0);
  expect(left.logs.filter(({ data }) => data.length > 0)).toHaveLength(2);
  expectEachOnce(left.logs, acknowledged);
  expect(left.viewState === left.foldState).toBe(true);
  const ids = idsByLog(left.logs);
  await expectSame(fresh, ids, left.foldState);

  // The browser's own disk: an empty server in place of the other gets every log from it alone.
  const second = await startServerBehindGate(gate, serveCommand(scratch, scratch.folder('empty-data')));
  scratch.use(second, (it) => it.end());
  await page.eval('wakelog.then(({ sync }) => sync())');
  const reader = await site.device({ url: `http://127.0.0.1:${second.process.port}` });
  await expect
    .poll(async () => {
      await reader.sync();
      return idsByLog(await readLogs(reader.device.replica.store, SPACE));
    })
    .toMatchObject(ids);
});

/** The site is loaded, kept for offline use, and level. */
async function firstVisit({ site, profile }: World): Promise<void> {
  const browser = await launchChromium({ profile });
  const page = await browser.page(originOf(site.server.gate));
  await page.until(PAGE_IS_READY);
  await browser.close();
}

/** One kill of each, at moments of their own. Returns whether the server runs again; else it comes back in the next round. */
async function killBoth(
  { site, profile, record, random }: World,
  round: number,
  serverRuns: boolean,
): Promise<boolean> {
  const browser: Chromium = await launchChromium({ profile });
  try {
    const page = await browser.page(originOf(site.server.gate));
    const before = record.mark();
    await startPageWriters(browser, page, `round${round}`, record);
    await record.until('acknowledged', ({ item }) => item.startsWith(`round${round}-`), { after: before });
    if (!serverRuns) await site.server.restart();
    await Promise.all([
      delay(random() * ROUND_MS).then(() => site.server.kill()),
      delay(random() * ROUND_MS).then(() => browser.kill()),
    ]);
  } finally {
    await browser.kill();
  }
  const comesBack = random() < 2 / 3;
  if (comesBack) await site.server.restart();
  return comesBack;
}

/** A loss is rare and says nothing without what is on the disks: they stay beside the test's report. */
async function keepEvidence({ site, profile }: World, browser: Chromium, page: ChromiumPage): Promise<void> {
  const status = await page.eval('wakelog.then(({ status }) => status.getSnapshot())');
  await browser.kill();
  const folder = (name: string): string => test.info().outputPath(name);
  cpSync(profile, folder('profile'), { recursive: true });
  cpSync(site.dataDir, folder('server'), { recursive: true });
  console.log(`lost; status ${JSON.stringify(status)}; the disks are kept in ${test.info().outputDir}`);
}

async function itemsIn(page: ChromiumPage): Promise<unknown> {
  return page.eval(`wakelog.then(({ collection }) => collection('tasks').list())`);
}

async function expectSame({ device }: NodeDevice, ids: ReturnType<typeof idsByLog>, state: string): Promise<void> {
  const { replica } = device;
  expect(idsByLog(await readLogs(replica.store, SPACE))).toEqual(ids);
  expect((await replica.view.canonicalState()) === state).toBe(true);
}
