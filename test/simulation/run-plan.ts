import { conclude } from './conclude.ts';
import type { RunResult } from './checks/report.ts';
import type { Plan } from './plan/plan.ts';
import { applyFault } from './universe/apply-fault.ts';
import { startPeople } from './universe/people.ts';
import { createUniverse } from './universe/universe.ts';

export interface RunOptions {
  /** Lines of the trace to keep for the report; default none. */
  readonly keptLines?: number;
}

/**
 * Runs a plan: people write while faults happen (safety: nothing may break), then faults end and everybody has to become
 * level (liveness), then what lies on the disks is compared. The same plan gives the same trace, always.
 */
export async function runPlan(plan: Plan, { keptLines = 0 }: RunOptions = {}): Promise<RunResult> {
  const universe = createUniverse(plan, keptLines);
  const { world, ledger, machines } = universe;
  universe.server.start();
  for (const machine of machines) startPeople(universe, machine);
  for (const fault of plan.faults) world.after(fault.atMs, 'a fault', () => applyFault(universe, fault));
  await world.run(plan.scale.busyMs);
  await conclude(universe);
  const writes = ledger.writes();
  return {
    plan,
    failure: world.failure(),
    steps: world.steps(),
    events: world.events(),
    ranMs: world.now(),
    traceHash: world.traceHash(),
    traceLines: world.traceLines(),
    writes: {
      asked: writes.length,
      acknowledged: writes.filter(({ acknowledgedAt }) => acknowledgedAt !== undefined).length,
      goneWithADisk: writes.filter(({ gone }) => gone !== undefined).length,
    },
  };
}
