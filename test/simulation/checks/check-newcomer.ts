import type { Machine } from '../universe/machine.ts';
import type { Universe } from '../universe/universe.ts';
import { runAsWorld } from '../world/process.ts';
import { presentHeads } from './level.ts';
import { serverRows } from './rows.ts';

const WITHIN_MS = 300_000;
/** Bytes of bodies that may cross the network for each that is missing, and besides: requests, cursors, vectors. */
const FACTOR = 1.02;
const BESIDES_BYTES = 2_048;
export const VECTOR_ITEM_BYTES = 100;

/**
 * A new device of the space gets what it lacks, once, and sends nothing but its questions: bytes sent ≤ c × bytes missing + k (SYNC1).
 * Its first visit ends before it is part of what is compared in the end.
 */
export async function checkNewcomer(universe: Universe, like: Machine): Promise<void> {
  const { world, network } = universe;
  const { space } = like.scope;
  const newcomer = universe.addMachine(like.scope);
  const tab = newcomer.openTab();
  let levelAt: number | undefined;
  const look = (): void => {
    tab.act(async (page) => {
      const status = await page.ask('status', tab.scope);
      if (status.lastSynced !== null && status.connection === 'live') runAsWorld(() => (levelAt ??= world.now()));
    });
    if (levelAt === undefined) world.after(1_000, 'somebody looks', look);
  };
  look();
  const isLevel = (): boolean => levelAt !== undefined && presentHeads(universe, newcomer) === presentHeads(universe, space);
  await world.run(world.now() + WITHIN_MS, isLevel);
  if (!isLevel()) return world.fail('SYNC7', `a new device of ${space} holds ${presentHeads(universe, newcomer)} after ${WITHIN_MS / 60_000} minutes`);
  const { heads, runs } = serverRows(universe, space);
  const missing = runs.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const besides = BESIDES_BYTES + heads.length * VECTOR_ITEM_BYTES;
  const { up, down, requests } = network.bytes(newcomer.name);
  if (down > FACTOR * missing + besides) world.fail('SYNC1', `a new device got ${down} bytes in ${requests} requests and lacked ${missing}`);
  if (up > besides) world.fail('SYNC1', `a new device sent ${up} bytes and had nothing to send`);
}
