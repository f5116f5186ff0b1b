import { letADayGoBy } from './byzantine/after-lies.ts';
import { intrusionsOf } from './byzantine/intrusions.ts';
import { checkEnd } from './checks/check-end.ts';
import { checkForged } from './checks/check-forged.ts';
import { checkJury } from './checks/check-jury.ts';
import { checkStatements } from './checks/check-statements.ts';
import { checkStores } from './checks/check-stores.ts';
import { checkViews } from './checks/check-views.ts';
import type { RunResult } from './checks/report.ts';
import type { Plan } from './plan/plan.ts';
import { applyFault } from './universe/apply-fault.ts';
import { startPeople } from './universe/people.ts';
import { endFaults, settle } from './universe/settle.ts';
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
  endFaults(universe);
  letADayGoBy(universe);
  checkStores(universe);
  if (world.failure() === undefined) await settle(universe);
  if (world.failure() === undefined) {
    intrusionsOf(world).setDeceiving(false);
    checkStores(universe);
    checkEnd(universe);
    checkForged(universe);
  }
  if (world.failure() === undefined) await checkViews(universe);
  if (world.failure() === undefined) await checkStatements(universe);
  if (world.failure() === undefined) await checkJury(universe);
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
