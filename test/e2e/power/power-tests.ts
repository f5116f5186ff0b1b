import { expect } from '@playwright/test';

import { needsChromium, needsFirefox, test } from '../../platform/scenario.ts';
import type { BrowserName } from '../../power/browsers/browser.ts';
import { clearWhileWriting } from '../../power/browsers/cleared.ts';
import { useCopies } from '../../power/browsers/copies.ts';
import { killBrowser } from '../../power/browsers/kills.ts';
import { cutPower } from '../../power/browsers/power-cuts.ts';
import { runOutOfRoom } from '../../power/browsers/quota.ts';
import { stopWorkers } from '../../power/browsers/stops.ts';

/*
 * The short dose. `npm run power -- --store chromium` and `--store firefox` give the long one; docs/reliability.md says what
 * came of it. Each of these throws for whatever is lost, doubled, forked or wrongly shown, and names it.
 */

const SEED = Number(process.env['WAKELOG_SEED'] ?? 1);
const WRITES_PER_CUT = 1_000;

export function testPower(browser: BrowserName): void {
  test.beforeEach(() => {
    if (browser === 'chromium') needsChromium();
    else needsFirefox();
    test.info().annotations.push({ type: 'seed', description: String(SEED) });
  });

  test(`S2.12 LOG10 LOG18 ${browser}: two power cuts while a page writes lose and double nothing that it was told is safe`, async () => {
    const figures = await cutPower({ browser, cuts: 2, writesPerCut: WRITES_PER_CUT, seed: SEED });
    expect(figures.acknowledged).toBeGreaterThanOrEqual(2 * WRITES_PER_CUT);
  });

  if (browser === 'chromium') {
    test('S2.12 LOG18 LOG21 LOG23 VIEW2 chromium: power cuts right after its store began a new log lose nothing, and the device goes on', async () => {
      const { torn } = await cutPower({ browser, cuts: 4, writesPerCut: 0, seed: SEED, moments: 'new log' });
      test.info().annotations.push({ type: 'torn', description: JSON.stringify(torn) });
    });
  }

  for (const control of ['relaxed', 'lying'] as const) {
    test(`LOG18 ${browser}: the control of the power cuts, a ${control} disk or worker, loses what was told to be safe`, async () => {
      const { acknowledged, lost } = await cutPower({
        browser,
        cuts: 1,
        writesPerCut: WRITES_PER_CUT,
        seed: SEED,
        control,
      });
      expect(acknowledged).toBeGreaterThanOrEqual(WRITES_PER_CUT);
      expect(lost).toBeGreaterThan(0);
    });
  }

  test(`S2.11 CAP33 ${browser}: SIGKILLs of the browser while a page writes lose and double nothing`, async () => {
    expect((await killBrowser({ browser, kills: 4, seed: SEED })).acknowledged).toBeGreaterThan(100);
  });

  test(`CAP33 CAP30 PAGE2 ${browser}: the worker is stopped in the middle of its events, and the page sees no failure`, async () => {
    expect((await stopWorkers({ browser, stops: 20, seed: SEED })).acknowledged).toBeGreaterThan(50);
  });

  test(`S1.2 S1.10 SYNC14 ${browser}: a profile is copied and both copies write: one log has two histories, and every write of both is kept once`, async () => {
    expect((await useCopies({ browser, use: 'both offline' })).acknowledged).toBeGreaterThan(400);
  });

  test(`S1.2 SYNC14 ${browser}: a profile that was copied earlier is used later: it makes no second history`, async () => {
    expect((await useCopies({ browser, use: 'one later' })).acknowledged).toBeGreaterThan(400);
  });

  test(`CAP36 ${browser}: the site's data is cleared while a page writes: what the server had comes back, what is written later is kept`, async () => {
    expect((await clearWhileWriting({ browser, times: 2, seed: SEED })).acknowledged).toBeGreaterThan(800);
  });

  test(`LOG18 ${browser}: room runs out while a page writes: what failed is nowhere, all else is kept, and with room again writing goes on`, async () => {
    expect((await runOutOfRoom({ browser, times: 2, seed: SEED })).refused).toBeGreaterThan(0);
  });
}
