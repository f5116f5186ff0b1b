import type { Universe } from '../universe/universe.ts';
import { intrusionsOf } from './intrusions.ts';

const DAY_MS = 86_400_000;
const AGAIN_MS = 10_000;

/**
 * Where somebody lied to devices a day goes by, and people come back to their pages: until then it may last (SYNC17). On wall
 * clocks alone, or it would be a long day for the simulator.
 */
export function letADayGoBy(universe: Universe): void {
  const { world, machines } = universe;
  if (!intrusionsOf(world).isDeceiving()) return;
  for (const { browser } of machines) browser.clock.offsetMs += DAY_MS;
  const comeBack = (): void => {
    if (!intrusionsOf(world).isDeceiving()) return;
    for (const machine of machines) {
      for (const tab of machine.openTabs()) tab.act(async (page) => page.ask('sync', { ...tab.scope, why: 'focus' }).then(() => undefined));
    }
    world.after(AGAIN_MS, 'people come back', comeBack);
  };
  comeBack();
}
