import { expect, test } from 'vitest';
import { makePlan } from '../plan/make-plan.ts';
import type { Fault, Plan } from '../plan/plan.ts';
import { shrinkPlan } from './shrink.ts';

/** A plan of many faults, two of which matter. */
function longPlan(): Plan {
  const plan = makePlan(1);
  const others = Array.from({ length: 30 }, (_, i): Fault => ({ atMs: 100 + i, kind: 'stop-worker', browser: 0 }));
  const culprits: readonly Fault[] = [
    { atMs: 110, kind: 'server-kill', downMs: 90_000 },
    { atMs: 120, kind: 'evict', browser: 1 },
  ];
  const faults = [...others, ...culprits].toSorted((a, b) => a.atMs - b.atMs);
  return { ...plan, scale: { ...plan.scale, browsers: 4, push: true, validator: true, keys: 2 }, faults };
}

/** Fails as long as both culprits are there, in this order, with two browsers at least. */
function breaks({ faults, scale }: Plan): boolean {
  const kill = faults.findIndex((fault) => fault.kind === 'server-kill' && fault.downMs > 1_000);
  const evict = faults.findIndex(({ kind }) => kind === 'evict');
  return kill !== -1 && evict > kill && scale.browsers >= 2;
}

test('HOUSE simulator: a failing plan shrinks to the faults and people it needs, each as short as still fails', async () => {
  const small = await shrinkPlan(
    longPlan(),
    async (plan) => breaks(plan),
    () => true,
  );
  expect(small.faults.map(({ kind }) => kind)).toEqual(['server-kill', 'evict']);
  expect(small.faults[0]).toMatchObject({ downMs: 1_406 });
  expect(small.scale).toMatchObject({ browsers: 2, push: false, validator: false, keys: 40 });
  expect(breaks(small)).toBe(true);
});

test('HOUSE simulator: a plan that fails whatever its faults shrinks to none of them', async () => {
  const small = await shrinkPlan(
    longPlan(),
    async () => true,
    () => true,
  );
  expect(small.faults).toEqual([]);
  expect(small.scale.browsers).toBe(1);
});

test('HOUSE simulator: when time is up, what shrinking hands back is the last plan that failed', async () => {
  let tries = 0;
  const tried: Plan[] = [];
  const stillFails = async (plan: Plan): Promise<boolean> => {
    tries += 1;
    if (breaks(plan)) tried.push(plan);
    return breaks(plan);
  };
  const small = await shrinkPlan(longPlan(), stillFails, () => tries < 5);
  expect(tries).toBe(5);
  expect(small).toBe(tried.at(-1));
});
