import { afterEach, expect, test } from 'vitest';

import { createScratch } from '../../platform/parts/scratch.ts';
import { createRandom } from '../../support/random.ts';
import { dieOnLyingDisk, liveThrough } from './server-life.ts';

/*
 * The short dose; `npm run power -- --store sqlite` is the long one. The server is a process of its own, `wakelog serve`,
 * with devices in two spaces and a REST client that write all the time.
 */

const SEED = Number(process.env['WAKELOG_SEED'] ?? 12);
const CUTS = 5;
const KILLS = 10;
const CUT = { writingMs: 400 };
const KILL = { writingMs: 200 };

const scratch = createScratch();
afterEach(() => scratch.end());

test('S2.11 S2.30 LOG18 SYNC1 SYNC4 power cuts of the server: what it acknowledged is there once, its epoch stays, devices go on', async () => {
  const figures = await liveThrough(scratch, {
    death: 'power-cut',
    times: CUTS,
    ...CUT,
    random: createRandom(SEED),
  });
  expect(figures).toMatchObject({ powerCuts: CUTS, lost: 0, doubled: 0 });
  expect(figures.acknowledged).toBeGreaterThan(CUTS * 10);
});

test('LOG18 the control: a server on a disk that lies about fsync loses what it acknowledged, and the test sees it', async () => {
  const { acknowledged, lost } = await dieOnLyingDisk(scratch, { ...CUT, random: createRandom(SEED) });
  expect(acknowledged).toBeGreaterThan(0);
  expect(lost).toBe(acknowledged);
});

test('S2.11 S2.30 LOG18 SYNC2 SIGKILL of the server at random moments: what it acknowledged is there once, its epoch stays, devices go on', async () => {
  const figures = await liveThrough(scratch, {
    death: 'kill',
    times: KILLS,
    ...KILL,
    random: createRandom(SEED + 1),
  });
  expect(figures).toMatchObject({ kills: KILLS, lost: 0, doubled: 0 });
  expect(figures.acknowledged).toBeGreaterThan(KILLS * 10);
});
