import type { SimRandom } from '../world/random.ts';

interface Chance {
  /** Of each request on the link: from 0 to 1. */
  readonly chance: number;
}

/**
 * What a network does wrong, as data, so that a failing run's faults can be printed, kept and shrunk. Every request on a
 * link draws for each fault of the link whether it is hit; where many faults hit one request, all do.
 */
export type NetworkFault = Chance &
  (
    | { readonly kind: 'delay'; readonly minMs: number; readonly maxMs: number }
    /** Never arrives; the program hears so after `afterMs`. */
    | { readonly kind: 'drop-request'; readonly afterMs: number }
    /** The server has taken it; the program hears `afterMs` later that nothing came. */
    | { readonly kind: 'drop-response'; readonly afterMs: number }
    /** Arrives a second time, so much later; that answer goes nowhere. */
    | { readonly kind: 'duplicate'; readonly lateMs: number }
    /** Waits until a later request of the machine to the origin has overtaken it, `mostMs` at most. */
    | { readonly kind: 'reorder'; readonly mostMs: number }
    /** Taken and never answered. `reaches`: the server saw it. */
    | { readonly kind: 'half-open'; readonly reaches: boolean }
    /** A whole body is cut at a byte; `silent`: as if it ended there. */
    | { readonly kind: 'truncate'; readonly silent: boolean }
    | { readonly kind: 'reset'; readonly when: 'sending' | 'answering' | 'reading' }
    /** 200 for everything, from a box in between. `garbage` carries the content type that was asked for. */
    | { readonly kind: 'captive-portal'; readonly says: 'html' | 'garbage' | 'empty' }
    /** `reaches`: the server took the request, and the proxy lost patience. */
    | { readonly kind: 'proxy-error'; readonly status: 500 | 502 | 503 | 504; readonly reaches: boolean }
    | { readonly kind: 'proxy-limit'; readonly maxBodyBytes: number }
    | { readonly kind: 'busy'; readonly status: 429 | 503; readonly retryAfterS: number | undefined }
    | { readonly kind: 'login-redirect' }
    /** The body trickles. */
    | { readonly kind: 'drip'; readonly pieceBytes: number; readonly everyMs: number }
    /** The body comes in other pieces than it was sent in: split and joined at any byte, late. */
    | { readonly kind: 'shred'; readonly mostMs: number }
    /** A streamed body ends after a time: as if complete, with an error, or in silence for ever. */
    | { readonly kind: 'stream-end'; readonly afterMs: number; readonly how: 'complete' | 'error' | 'silence' }
  );

export type NetworkFaultKind = NetworkFault['kind'];

type Draw = (random: SimRandom) => NetworkFault;

const DRAWS: { readonly [kind in NetworkFaultKind]: Draw } = {
  delay: (random) => ({ kind: 'delay', chance: drawChance(random), minMs: 0, maxMs: drawMs(random, 60_000) }),
  'drop-request': (random) => ({ kind: 'drop-request', chance: drawChance(random), afterMs: drawMs(random, 60_000) }),
  'drop-response': (random) => ({ kind: 'drop-response', chance: drawChance(random), afterMs: drawMs(random, 60_000) }),
  duplicate: (random) => ({ kind: 'duplicate', chance: drawChance(random), lateMs: drawMs(random, 60_000) }),
  reorder: (random) => ({ kind: 'reorder', chance: drawChance(random), mostMs: drawMs(random, 20_000) }),
  'half-open': (random) => ({ kind: 'half-open', chance: drawChance(random), reaches: random.chance(0.5) }),
  truncate: (random) => ({ kind: 'truncate', chance: drawChance(random), silent: random.chance(0.5) }),
  reset: (random) => ({
    kind: 'reset',
    chance: drawChance(random),
    when: random.pick(['sending', 'answering', 'reading'] as const),
  }),
  'captive-portal': (random) => ({
    kind: 'captive-portal',
    chance: drawChance(random),
    says: random.pick(['html', 'garbage', 'empty'] as const),
  }),
  'proxy-error': (random) => ({
    kind: 'proxy-error',
    chance: drawChance(random),
    status: random.pick([500, 502, 503, 504] as const),
    reaches: random.chance(0.5),
  }),
  'proxy-limit': (random) => ({
    kind: 'proxy-limit',
    chance: drawChance(random),
    maxBodyBytes: Math.floor(2 ** random.between(10, 20)),
  }),
  busy: (random) => ({
    kind: 'busy',
    chance: drawChance(random),
    status: random.pick([429, 503] as const),
    retryAfterS: random.chance(0.5) ? random.int(120) : undefined,
  }),
  'login-redirect': (random) => ({ kind: 'login-redirect', chance: drawChance(random) }),
  drip: (random) => ({
    kind: 'drip',
    chance: drawChance(random),
    pieceBytes: 1 + random.int(2_000),
    everyMs: drawMs(random, 5_000),
  }),
  shred: (random) => ({ kind: 'shred', chance: drawChance(random), mostMs: drawMs(random, 10_000) }),
  'stream-end': (random) => ({
    kind: 'stream-end',
    chance: drawChance(random),
    afterMs: drawMs(random, 120_000),
    how: random.pick(['complete', 'error', 'silence'] as const),
  }),
};

export const NETWORK_FAULT_KINDS: readonly NetworkFaultKind[] = Object.keys(DRAWS) as NetworkFaultKind[];

export function randomFault(
  random: SimRandom,
  kind: NetworkFaultKind = random.pick(NETWORK_FAULT_KINDS),
): NetworkFault {
  return DRAWS[kind](random);
}

/** Always, now and then, or seldom: each shows other bugs. */
export function drawChance(random: SimRandom): number {
  return random.pick([1, 0.5, 0.1]);
}

/** Most are short, so that the short ones are not all alike; whole ms, so that they can be read. */
export function drawMs(random: SimRandom, mostMs: number): number {
  return Math.floor(mostMs ** random.next());
}
