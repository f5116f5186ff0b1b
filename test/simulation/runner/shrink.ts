import type { Fault, Plan, Scale } from '../plan/plan.ts';

/** Whether a plan still breaks the same rule. */
export type StillFails = (plan: Plan) => Promise<boolean>;

/**
 * A smaller plan that fails in the same way: fewer faults first (Zeller's ddmin), then fewer people who do less, then
 * shorter faults, and around again while anything helps and there is time. Whatever comes back did fail.
 */
export async function shrinkPlan(plan: Plan, stillFails: StillFails, hasTime: () => boolean): Promise<Plan> {
  let best = plan;
  const tryPlan: StillFails = async (candidate) => {
    if (!hasTime() || !(await stillFails(candidate))) return false;
    best = candidate;
    return true;
  };
  for (let before: Plan | undefined; before !== best && hasTime();) {
    before = best;
    await dropFaults(best, tryPlan);
    for (const simplify of SIMPLER) await tryWhileItHelps(() => simplify(best), tryPlan);
    for (let i = 0; i < best.faults.length; i++) await tryWhileItHelps(() => withShorterFault(best, i), tryPlan);
  }
  return best;
}

/** Leaves out halves, quarters, … and at last single faults, as long as the rest fails. */
async function dropFaults(plan: Plan, tryPlan: StillFails): Promise<void> {
  let faults = plan.faults;
  let size = faults.length;
  while (size >= 1) {
    let dropped = false;
    for (let at = 0; at < faults.length;) {
      const rest = faults.toSpliced(at, size);
      if (await tryPlan({ ...plan, faults: rest })) [faults, dropped] = [rest, true];
      else at += size;
    }
    if (!dropped || size > faults.length) size = Math.floor(Math.min(size, 2 * faults.length) / 2);
  }
}

async function tryWhileItHelps(next: () => Plan | undefined, tryPlan: StillFails): Promise<void> {
  for (let plan = next(); plan !== undefined && (await tryPlan(plan));) plan = next();
}

type Simplify = (plan: Plan) => Plan | undefined;

/** A part of the scale is replaced, unless it is as simple already. */
function scaleTo<K extends keyof Scale>(name: K, simpler: (value: Scale[K], plan: Plan) => Scale[K]): Simplify {
  return (plan) => {
    const value = simpler(plan.scale[name], plan);
    return value === plan.scale[name] ? undefined : { ...plan, scale: { ...plan.scale, [name]: value } };
  };
}

const SIMPLER: readonly Simplify[] = [
  scaleTo('browsers', (count) => Math.max(1, Math.floor(count / 2))),
  scaleTo('browsers', (count) => Math.max(1, count - 1)),
  scaleTo('accounts', () => 1),
  scaleTo('spaces', () => 1),
  scaleTo('realSignatures', () => false),
  scaleTo('validator', () => false),
  scaleTo('push', () => false),
  scaleTo('hasSync', () => false),
  scaleTo('updates', () => 'hold'),
  (plan) => {
    const busyMs = Math.floor(plan.scale.busyMs / 2);
    // Faults stay at their moments; one that would come too late keeps the time as it is.
    return busyMs < 2_000 || plan.faults.some(({ atMs }) => atMs >= busyMs)
      ? undefined
      : { ...plan, scale: { ...plan.scale, busyMs } };
  },
  scaleTo('actionMs', (actionMs, { scale }) => (actionMs * 2 > scale.busyMs ? actionMs : actionMs * 2)),
  scaleTo('keys', (keys) => (keys < 40 ? 40 : keys)),
];

const DURATIONS = ['downMs', 'forMs', 'tabs', 'writes', 'afterCalls'] as const;

/** One fault with half of what it lasts. */
function withShorterFault(plan: Plan, index: number): Plan | undefined {
  const fault = plan.faults[index];
  if (fault === undefined) return undefined;
  const shorter: Record<string, unknown> = { ...fault };
  let changed = false;
  for (const name of DURATIONS) {
    const value = shorter[name];
    if (typeof value !== 'number' || value <= 1) continue;
    shorter[name] = Math.floor(value / 2);
    changed = true;
  }
  return changed ? { ...plan, faults: plan.faults.with(index, shorter as unknown as Fault) } : undefined;
}
