import type { ByzantineAct } from '../plan/plan.ts';
import type { Universe } from '../universe/universe.ts';
import { ACTS } from './acts.ts';
import { createIntruder } from './intruder.ts';

/** So long an act may take, virtual ms: what was not done by then is left. */
const LONGEST_ACT_MS = 1_200_000;

/** Somebody who keeps no rule does what no honest device would, in each space that there is. */
export function actByzantine(universe: Universe, act: ByzantineAct): void {
  const { world, machines } = universe;
  const random = world.random.fork(`byzantine ${act} ${world.now()}`);
  const spaces = new Set(machines.map(({ scope }) => scope.space));
  for (const space of spaces) {
    const process = world.spawn({ name: 'byzantine', globals: {} }, () => {
      const done = createIntruder(universe, space, random.fork(space)).then((intruder) => ACTS[act](intruder));
      // What it tried and could not do is no loss.
      done.catch((error: unknown) => world.fail('crash', `byzantine ${act}: ${error instanceof Error ? error.stack : String(error)}`));
    });
    world.after(LONGEST_ACT_MS, 'an act is over', () => world.kill(process));
  }
}
