import type { ByzantineAct } from '../plan/plan.ts';
import type { Universe } from '../universe/universe.ts';
import { ORIGIN } from '../workload/worker-options.ts';

/** Somebody who keeps no rule does one thing that no honest device would. */
export function actByzantine({ world, network }: Universe, act: ByzantineAct): void {
  const send = network.fetchFor('byzantine', ORIGIN);
  const body = world.random.fork(`byzantine ${act} ${world.now()}`).bytes(200);
  world.spawn({ name: 'byzantine', globals: {} }, () => {
    send('/wakelog/sync', { method: 'POST', headers: { 'content-type': 'application/cbor', 'x-account': 'byzantine' }, body }).catch(() => undefined);
  });
}
