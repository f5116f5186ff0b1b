import type { SimRandom } from '../world/random.ts';
import { drawChance, drawMs } from './fault.ts';

interface Chance {
  /** Of each message: from 0 to 1. */
  readonly chance: number;
}

/** What a push service does wrong, as data; every message draws for it. */
export type PushFault = Chance &
  /** Taken, and never delivered. */
  (
    | { readonly kind: 'lose' }
    | { readonly kind: 'double'; readonly lateMs: number }
    /** Delivered after up to so long, each message by its own delay: out of order. */
    | { readonly kind: 'late'; readonly mostMs: number }
    /** Answered so, and not taken. `retryAfterS`: said with it. 404 and 410 say that the subscription is gone, which it is not. */
    | {
        readonly kind: 'refuse';
        readonly status: 400 | 404 | 410 | 413 | 429 | 500 | 503;
        readonly retryAfterS: number | undefined;
      }
    /** The subscription ends. `tells`: the browser hears of it. */
    | { readonly kind: 'expire'; readonly tells: boolean }
    /** No answer comes. `takes`: the message is delivered all the same. */
    | { readonly kind: 'silence'; readonly takes: boolean }
    /** Somebody who knows the endpoint sends something of their own besides. */
    | { readonly kind: 'forge' }
  );

export type PushFaultKind = PushFault['kind'];

const DRAWS: { readonly [kind in PushFaultKind]: (random: SimRandom) => PushFault } = {
  lose: (random) => ({ kind: 'lose', chance: drawChance(random) }),
  double: (random) => ({ kind: 'double', chance: drawChance(random), lateMs: drawMs(random, 3_600_000) }),
  late: (random) => ({ kind: 'late', chance: drawChance(random), mostMs: drawMs(random, 6 * 3_600_000) }),
  refuse: (random) => ({
    kind: 'refuse',
    chance: drawChance(random),
    status: random.pick([400, 404, 410, 413, 429, 500, 503] as const),
    retryAfterS: random.chance(0.5) ? random.int(3_600) : undefined,
  }),
  expire: (random) => ({ kind: 'expire', chance: drawChance(random), tells: random.chance(0.5) }),
  silence: (random) => ({ kind: 'silence', chance: drawChance(random), takes: random.chance(0.5) }),
  forge: (random) => ({ kind: 'forge', chance: drawChance(random) }),
};

export const PUSH_FAULT_KINDS: readonly PushFaultKind[] = Object.keys(DRAWS) as PushFaultKind[];

export function randomPushFault(random: SimRandom, kind: PushFaultKind = random.pick(PUSH_FAULT_KINDS)): PushFault {
  return DRAWS[kind](random);
}
