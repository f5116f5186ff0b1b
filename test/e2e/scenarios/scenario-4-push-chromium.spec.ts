import { needsChromium, test } from '../../platform/scenario.ts';
import { createChromiumEngine } from './push-browser.ts';
import { believesNoPush, outlivesItsSubscription, wakesAfterRestart, wakesWithoutTab } from './push-scenario.ts';
import { createPushWorld } from './push-world.ts';

test('Scenario 4: Chromium, 50 entries in 10 s reach device B while it has no tab; one notification, replaced; all shown without a server (PUSH4 PUSH6 S5.9 S2.12)', async ({
  scratch,
}) => {
  needsChromium();
  await wakesWithoutTab(await createPushWorld(scratch, await createChromiumEngine(scratch)));
});

test('Scenario 4: Chromium, pushes sent while the browser is closed wait as one and wake it after its restart (PUSH4 PUSH6 S5.9)', async ({
  scratch,
}) => {
  needsChromium();
  await wakesAfterRestart(await createPushWorld(scratch, await createChromiumEngine(scratch)));
});

test('Scenario 4: Chromium, a subscription that is gone (410) is forgotten, made anew at the next visit, and nothing is lost (PUSH1 PUSH5 PUSH7)', async ({
  scratch,
}) => {
  needsChromium();
  await outlivesItsSubscription(await createPushWorld(scratch, await createChromiumEngine(scratch)));
});

test('Scenario 4: Chromium, forged and doubled pushes: B pulls, and what it has and shows is what was written (PUSH6 S5.9)', async ({
  scratch,
}) => {
  needsChromium();
  await believesNoPush(await createPushWorld(scratch, await createChromiumEngine(scratch)));
});
