import type { Bytes } from '../../../core/log/bytes.ts';
import type { SpaceResponse } from '../../../core/protocol/messages.ts';
import type { Universe } from '../universe/universe.ts';
import type { SimRandom } from '../world/random.ts';
import type { World } from '../world/world.ts';
import type { EvilPost, Guise } from './evil-post.ts';
import { createEvilPost } from './evil-post.ts';
import type { EvilWriter } from './evil-writer.ts';
import { createEvilWriter } from './evil-writer.ts';
import { intrusionsOf } from './intrusions.ts';

/** Everything that one who keeps no rule has at hand in a space. */
export interface Intruder {
  readonly universe: Universe;
  readonly space: string;
  readonly random: SimRandom;
  readonly post: EvilPost;
  /** Its own account. */
  readonly self: Guise;
  /** Another device, of another account that is let in: it carries what it is given. */
  readonly carrier: Guise;
  /** An account of an honest person, whose session it does not have. */
  readonly victim: string;
  readonly writer: () => EvilWriter;
  /** Offers runs; what is `forged` must never be taken. */
  readonly offer: (runs: readonly Bytes[], options?: { readonly guise?: Guise; readonly forged?: boolean }) => Promise<SpaceResponse | undefined>;
  /** Its whole log so far, from what the server has of it. */
  readonly offerLog: (guise?: Guise) => Promise<void>;
  /** What the server gives to whoever holds nothing: honest people's runs, and the server's own. */
  readonly loot: () => Promise<SpaceResponse | undefined>;
  /** Waits, virtual ms. */
  readonly pause: (ms: number) => Promise<void>;
}

export const SELF: Guise = { session: 'byzantine' };
export const CARRIER: Guise = { session: 'carrier', device: 'of a carrier' };

interface State {
  writer: EvilWriter | undefined;
}

const statesByWorld = new WeakMap<World, Map<string, State>>();

/** The intruder of a space; what it has written so far goes on. To be called as its process. */
export async function createIntruder(universe: Universe, space: string, random: SimRandom): Promise<Intruder> {
  const { world, cryptography } = universe;
  const states = statesByWorld.get(world) ?? new Map<string, State>();
  statesByWorld.set(world, states);
  const state: State = states.get(space) ?? { writer: undefined };
  states.set(space, state);
  const post = createEvilPost(universe, space);
  const renew = async (): Promise<EvilWriter> => (state.writer = await createEvilWriter(cryptography, space, 'byzantine'));
  if (state.writer === undefined) await renew();

  const offer: Intruder['offer'] = async (runs, { guise = SELF, forged = false } = {}) => {
    for (const bytes of runs) intrusionsOf(world).offer({ space, bytes, forged });
    const answer = await post.sync(guise, { runs });
    const own = state.writer?.log;
    // Its log has another history there: sometimes it opens a new one, sometimes it insists.
    if (answer?.refused.some(({ log, code }) => log === own && code === 'fork') === true && random.chance(0.5)) await renew();
    return answer;
  };

  return {
    universe,
    space,
    random,
    post,
    self: SELF,
    carrier: CARRIER,
    victim: 'account-0',
    writer: () => state.writer as EvilWriter,
    offer,
    async offerLog(guise = SELF) {
      const { runs } = state.writer as EvilWriter;
      // Enrolled by its own session first: nobody else's may do it.
      const opening = await offer(runs.slice(0, 1));
      if (opening !== undefined) await offer(runs.slice(-40), { guise });
    },
    loot: () => post.sync(SELF, { vector: new Map() }),
    pause: (ms) => new Promise((resolve) => void setTimeout(resolve, ms)),
  };
}
