import type { Machine } from '../universe/machine.ts';
import { openBurst } from '../universe/people.ts';
import type { Universe } from '../universe/universe.ts';
import { runAsWorld } from '../world/process.ts';
import { presentHeads } from './level.ts';

const ROUNDS = 6;
/** Everybody writes within so long. Rounds of the network take about as much. */
const SPREADS_MS: readonly number[] = [10, 40, 120];
/** On a network without faults, virtual ms: everybody has everything, unasked. */
const WITHIN_MS = 15_000;
const WAKE_UP_MS = 60_000;
/** After so long without a heartbeat a device knows that its stream is broken. */
const SILENCE_MS = 120_000;

/**
 * Where nothing is wrong any more and pages are open, what is written is everywhere within moments, also when all write at
 * once (SYNC13): whatever is forgotten over something else that is going on shows here, where no next one makes up for it.
 */
export async function checkLively(universe: Universe): Promise<void> {
  const { world, machines } = universe;
  const random = world.random.fork('lively');
  const live = new Set<Machine>();
  await world.run(world.now() + SILENCE_MS);
  for (const machine of machines) awaitLive(universe, machine, live);
  await world.run(world.now() + WAKE_UP_MS, () => live.size === machines.length);
  // Not every stream stands: then it is the fallback that is seen to elsewhere.
  if (live.size < machines.length) return;
  for (let round = 0; round < ROUNDS; round++) {
    const spread = random.pick(SPREADS_MS);
    for (const machine of machines) {
      if (random.chance(0.3)) continue;
      world.after(random.between(0, spread), 'somebody writes', () => openBurst(universe, machine, 1, 1 + random.int(2)));
    }
    await world.run(world.now() + WITHIN_MS);
    if (world.failure() !== undefined) return;
    const late = machines.find((machine) => presentHeads(universe, machine) !== presentHeads(universe, machine.scope.space));
    if (late !== undefined) {
      const { space } = late.scope;
      return world.fail('SYNC13', `${late.name} is live and holds ${presentHeads(universe, late)}; ${WITHIN_MS / 1_000} s after all wrote the server holds ${presentHeads(universe, space)}`);
    }
  }
}

/** Until its own live stream stands. */
function awaitLive(universe: Universe, machine: Machine, live: Set<Machine>): void {
  const { world } = universe;
  const [tab = machine.openTab()] = machine.openTabs();
  tab.client.visibilityState = 'visible';
  tab.act(async (page) => {
    const { connection } = await page.ask('status', tab.scope);
    if (connection === 'live') runAsWorld(() => live.add(machine));
  });
  world.after(1_000, 'somebody looks', () => {
    if (!live.has(machine)) awaitLive(universe, machine, live);
  });
}
