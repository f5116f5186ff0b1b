import { letADayGoBy } from './byzantine/after-lies.ts';
import { intrusionsOf } from './byzantine/intrusions.ts';
import { checkChains } from './checks/check-chains.ts';
import { checkEnd } from './checks/check-end.ts';
import { checkLack } from './checks/check-lack.ts';
import { checkLively } from './checks/check-lively.ts';
import { checkNewcomer } from './checks/check-newcomer.ts';
import { checkTraffic } from './checks/check-traffic.ts';
import { checkQuiet } from './checks/check-quiet.ts';
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
  await checkLack(universe);
  letADayGoBy(universe);
  lookAgain(universe);
  checkStores(universe);
  if (world.failure() === undefined) await settle(universe);
  if (world.failure() === undefined) {
    intrusionsOf(world).setDeceiving(false);
    checkTraffic(universe);
    if (world.seed % 4 !== 1) await checkLively(universe);
    if (world.failure() === undefined) await checkCalm(universe);
  }
  if (world.failure() === undefined) {
    checkStores(universe);
    checkEnd(universe);
    checkForged(universe);
  }
  if (world.failure() === undefined) await checkChains(universe);
  if (world.failure() === undefined) await checkViews(universe);
  if (world.failure() === undefined) await checkStatements(universe);
  if (world.failure() === undefined) await checkJury(universe);
}

/** People turn to their pages again: focus and visibility have them read anew (PAGE3). */
function lookAgain({ machines }: Universe): void {
  for (const machine of machines) for (const tab of machine.openTabs()) tab.act(async ({ session }) => session.readAgain());
}

/** They take more time than all else together, and need no particular past: each in some of the runs. */
async function checkCalm(universe: Universe): Promise<void> {
  const { world, machines } = universe;
  if (world.seed % 4 === 0) await checkQuiet(universe);
  if (world.seed % 4 !== 1) return;
  const bySpace = new Map(machines.map((machine) => [machine.scope.space, machine]));
  for (const machine of bySpace.values()) if (world.failure() === undefined) await checkNewcomer(universe, machine);
}
