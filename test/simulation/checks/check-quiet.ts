import type { Universe } from '../universe/universe.ts';
import { presentHeads } from './level.ts';
import { VECTOR_ITEM_BYTES } from './check-newcomer.ts';

/** So long nobody does anything, virtual ms. */
const QUIET_MS = 600_000;
/**
 * What a device may ask for meanwhile: a round that a timer of before still begins, and its live stream, opened again a few
 * times where something between cuts it off. Push subscriptions are looked after on visits.
 */
const MOST_REQUESTS = 6;
/** Of bodies, both ways together, with as much as two vectors. */
const BYTES_A_REQUEST = 1_024;

/** Four bytes every 20 s, on the few streams that overlap while they are opened anew. */
const HEARTBEAT_BYTES = 4 * 4 * (QUIET_MS / 20_000);

/** A system in which all is level and nobody acts stays as it is: no loop, nothing sent again, nothing appended (SYNC1, SYNC7). */
export async function checkQuiet(universe: Universe): Promise<void> {
  const { world, network, machines } = universe;
  const before = machines.map((machine) => ({ machine, ...network.bytes(machine.name), heads: presentHeads(universe, machine) }));
  await world.run(world.now() + QUIET_MS);
  for (const { machine, requests, up, down, heads } of before) {
    const now = network.bytes(machine.name);
    const [asked, sent, got] = [now.requests - requests, now.up - up, now.down - down];
    const vectorBytes = 2 * VECTOR_ITEM_BYTES * heads.split(' ').length;
    if (asked > MOST_REQUESTS) world.fail('SYNC7', `${machine.name} asked ${asked} times in ${QUIET_MS / 60_000} minutes in which nobody did anything`);
    const most = (asked + 1) * (BYTES_A_REQUEST + vectorBytes) + HEARTBEAT_BYTES;
    if (sent + got > most) world.fail('SYNC1', `${machine.name} sent ${sent} and got ${got} bytes in ${asked} requests, and nothing was missing`);
    const changed = presentHeads(universe, machine);
    if (changed !== heads) world.fail('SYNC1', `${machine.name} held ${heads}, nobody did anything, and it holds ${changed}`);
  }
}
