import type { Bytes } from '../../../core/log/bytes.ts';
import { toBase64Url } from '../../../core/log/bytes.ts';
import type { LogName } from '../../../core/log/version-vector.ts';
import type { SpaceResponse } from '../../../core/protocol/messages.ts';
import type { World } from '../world/world.ts';

/** A run that was offered to the server by somebody who keeps no rule. */
export interface Offer {
  readonly space: string;
  readonly bytes: Bytes;
  /** It must be in no store, ever: its bytes prove nothing, or nobody allowed it. */
  readonly forged: boolean;
}

/** What intruders did in a world, and what they were told: for checkers. */
export interface Intrusions {
  readonly offer: (offer: Offer) => void;
  readonly offers: () => readonly Offer[];
  /** The server said that it holds another branch of the log. */
  readonly noteAnswer: (space: string, answer: SpaceResponse) => void;
  readonly forks: () => readonly { readonly space: string; readonly log: LogName; readonly atMs: number }[];
  /** Somebody lied to devices: until all is level again, what they were told of their server is not true. */
  readonly setDeceiving: (on: boolean) => void;
  readonly isDeceiving: () => boolean;
}

/** So many are kept for the jury: the first ones, which the others are like. */
const MOST_OFFERS = 300;
const MOST_OFFER_BYTES = 65_536;

const intrusionsByWorld = new WeakMap<World, Intrusions>();

export function intrusionsOf(world: World): Intrusions {
  const known = intrusionsByWorld.get(world);
  if (known !== undefined) return known;
  const made = createIntrusions(world);
  intrusionsByWorld.set(world, made);
  return made;
}

function createIntrusions(world: World): Intrusions {
  const offers = new Map<string, Offer>();
  let deceiving = false;
  const forks: { space: string; log: LogName; atMs: number }[] = [];
  return {
    offer(offer) {
      if (offers.size === MOST_OFFERS || offer.bytes.length > MOST_OFFER_BYTES) return;
      offers.set(`${offer.space} ${toBase64Url(offer.bytes)}`, offer);
    },
    offers: () => [...offers.values()],
    noteAnswer(space, { refused }) {
      for (const { log, code } of refused) if (code === 'fork') forks.push({ space, log, atMs: world.now() });
    },
    forks: () => forks,
    setDeceiving: (on) => {
      deceiving = on;
    },
    isDeceiving: () => deceiving,
  };
}
