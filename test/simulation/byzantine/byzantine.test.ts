import { afterAll, expect, test } from 'vitest';
import type { Fault, Plan } from '../plan/plan.ts';
import { BYZANTINE_ACTS, LIES } from '../plan/plan.ts';
import { failureOf } from '../runner/judge.ts';
import { createPool } from '../runner/pool.ts';

/*
 * Each way to keep no rule, once, among honest people; other orders and other faults beside them are the campaign's.
 */

const SCALE: Plan['scale'] = {
  browsers: 2,
  accounts: 2,
  spaces: 1,
  keys: 3,
  actionMs: 4_000,
  busyMs: 60_000,
  hasSync: false,
  updates: 'live',
  push: false,
  validator: true,
  realSignatures: false,
};

const pool = createPool(1);
afterAll(() => pool.close());

async function expectWhole(seed: number, faults: readonly Fault[], busyMs = SCALE.busyMs): Promise<void> {
  const outcome = await pool.run({ plan: { seed, scale: { ...SCALE, busyMs }, faults }, times: 1, lines: 0 });
  expect(failureOf(outcome)).toBeUndefined();
  expect(outcome.kind === 'ran' && outcome.runs[0]?.writes.acknowledged).toBeGreaterThan(5);
}

for (const [i, act] of BYZANTINE_ACTS.entries()) {
  test(`S1.10 LOG8 LOG15 VIEW8: honest devices are unharmed by a writer's ${act}, across a server that was put back`, async () => {
    await expectWhole(40 + i, [
      { atMs: 5_000, kind: 'byzantine', act },
      { atMs: 8_000, kind: 'server-save' },
      { atMs: 15_000, kind: 'byzantine', act },
      { atMs: 30_000, kind: 'server-restore', downMs: 1_000 },
      { atMs: 34_000, kind: 'byzantine', act },
    ]);
  });
}

for (const [i, lie] of LIES.entries()) {
  test(`SYNC17 SYNC4 LOG8: nothing is lost or doubled by a server that lies: ${lie}`, async () => {
    await expectWhole(80 + i, [{ atMs: 10_000, kind: 'lying-server', browser: 0, lie, forMs: 40_000 }], 55_000);
  });
}
