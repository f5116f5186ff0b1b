import { letADayGoBy } from './byzantine/after-lies.ts';
import { intrusionsOf } from './byzantine/intrusions.ts';
import { checkEnd } from './checks/check-end.ts';
import { checkForged } from './checks/check-forged.ts';
import { checkJury } from './checks/check-jury.ts';
import { checkStatements } from './checks/check-statements.ts';
import { checkStores } from './checks/check-stores.ts';
import { checkViews } from './checks/check-views.ts';
import { endFaults, settle } from './universe/settle.ts';
import type { Universe } from './universe/universe.ts';

/** Whatever happened until now: faults end, everybody has to become level (liveness), and what lies on the disks is compared. */
export async function conclude(universe: Universe): Promise<void> {
  const { world } = universe;
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
}
