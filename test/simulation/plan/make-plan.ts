import { randomFault } from '../network/fault.ts';
import { randomPushFault } from '../network/push-fault.ts';
import type { SimRandom } from '../world/random.ts';
import { createRandom } from '../world/random.ts';
import type { Fault, FaultKind, Plan, Scale } from './plan.ts';
import { BYZANTINE_ACTS, LIES } from './plan.ts';
import { drawThemed } from './themes.ts';

const TEN_YEARS_MS = 315_360_000_000;

type Draw = (random: SimRandom, scale: Scale, atMs: number) => Fault | readonly Fault[];

const anyBrowser = (random: SimRandom, { browsers }: Scale): number => random.int(browsers);
/** Short and long alike: from a moment to half an hour. */
const anyMs = (random: SimRandom, mostMs = 1_800_000): number => Math.floor(mostMs ** random.between(0.3, 1));

const DRAWS: { readonly [kind in FaultKind]: Draw } = {
  'stop-worker': (random, scale, atMs) => ({ atMs, kind: 'stop-worker', browser: anyBrowser(random, scale) }),
  'update-worker': (random, scale, atMs) => ({ atMs, kind: 'update-worker', browser: anyBrowser(random, scale) }),
  'kill-browser': (random, scale, atMs) => {
    const [browser, downMs] = [anyBrowser(random, scale), anyMs(random, 600_000)];
    return { atMs, kind: 'kill-browser', browser, downMs, torn: downMs % 2 === 0 };
  },
  'power-cut': (random, scale, atMs) => ({ atMs, kind: 'power-cut', browser: anyBrowser(random, scale), downMs: anyMs(random, 600_000) }),
  evict: (random, scale, atMs) => ({ atMs, kind: 'evict', browser: anyBrowser(random, scale) }),
  'save-profile': (random, scale, atMs) => ({ atMs, kind: 'save-profile', browser: anyBrowser(random, scale) }),
  'restore-profile': (random, scale, atMs) => {
    const browser = anyBrowser(random, scale);
    const saved = random.int(atMs + 1);
    return [
      { atMs: saved, kind: 'save-profile', browser },
      { atMs, kind: 'restore-profile', browser, downMs: anyMs(random, 60_000), all: random.chance(0.5) },
    ];
  },
  'clone-profile': (random, scale, atMs) => ({ atMs, kind: 'clone-profile', browser: anyBrowser(random, scale) }),
  quota: (random, scale, atMs) => ({ atMs, kind: 'quota', browser: anyBrowser(random, scale), spareBytes: random.int(20_000), forMs: anyMs(random, 300_000) }),
  'disk-error': (random, scale, atMs) => ({ atMs, kind: 'disk-error', browser: anyBrowser(random, scale), afterCalls: random.int(200) }),
  'disk-stall': (random, scale, atMs) => ({ atMs, kind: 'disk-stall', browser: anyBrowser(random, scale), forMs: anyMs(random, 30_000) }),
  'clock-jump': (random, scale, atMs) => ({
    atMs,
    kind: 'clock-jump',
    browser: anyBrowser(random, scale),
    byMs: Math.floor(random.pick([-1, 1]) * TEN_YEARS_MS ** random.between(0.2, 1)),
  }),
  'clock-freeze': (random, scale, atMs) => ({ atMs, kind: 'clock-freeze', browser: anyBrowser(random, scale), forMs: anyMs(random) }),
  'tab-burst': (random, scale, atMs) => ({ atMs, kind: 'tab-burst', browser: anyBrowser(random, scale), tabs: 2 + random.int(19), writes: 1 + random.int(4) }),
  network: (random, scale, atMs) => ({
    atMs,
    kind: 'network',
    browser: random.chance(0.3) ? undefined : anyBrowser(random, scale),
    fault: randomFault(random),
    forMs: anyMs(random),
  }),
  partition: (random, scale, atMs) => ({ atMs, kind: 'partition', browser: anyBrowser(random, scale), forMs: anyMs(random) }),
  'server-kill': (random, _scale, atMs) => ({ atMs, kind: 'server-kill', downMs: anyMs(random, 120_000) }),
  'server-power-cut': (random, _scale, atMs) => ({ atMs, kind: 'server-power-cut', downMs: anyMs(random, 120_000) }),
  'server-stall': (random, _scale, atMs) => ({ atMs, kind: 'server-stall', forMs: anyMs(random, 120_000) }),
  'server-save': (_random, _scale, atMs) => ({ atMs, kind: 'server-save' }),
  'server-restore': (random, _scale, atMs) => [
    { atMs: random.int(atMs + 1), kind: 'server-save' },
    { atMs, kind: 'server-restore', downMs: anyMs(random, 60_000) },
  ],
  'server-disk-error': (random, _scale, atMs) => ({ atMs, kind: 'server-disk-error', afterCalls: random.int(100) }),
  'server-full': (random, _scale, atMs) => ({ atMs, kind: 'server-full', spareBytes: random.int(4_000), forMs: anyMs(random, 120_000) }),
  forbid: (random, _scale, atMs) => ({ atMs, kind: 'forbid', forMs: anyMs(random, 120_000) }),
  'server-clock-jump': (random, _scale, atMs) => ({ atMs, kind: 'server-clock-jump', byMs: Math.floor(random.pick([-1, 1]) * TEN_YEARS_MS ** random.between(0.2, 1)) }),
  push: (random, _scale, atMs) => ({ atMs, kind: 'push', fault: randomPushFault(random), forMs: anyMs(random) }),
  'forged-push': (random, scale, atMs) => ({ atMs, kind: 'forged-push', browser: anyBrowser(random, scale) }),
  byzantine: (random, _scale, atMs) => ({ atMs, kind: 'byzantine', act: random.pick(BYZANTINE_ACTS) }),
  'lying-server': (random, scale, atMs) => ({ atMs, kind: 'lying-server', browser: anyBrowser(random, scale), lie: random.pick(LIES), forMs: anyMs(random) }),
};

export const FAULT_KINDS: readonly FaultKind[] = Object.keys(DRAWS) as FaultKind[];

/** So many plans are small worlds in which everything happens around one theme; see themes.ts. */
const WITH_A_THEME = 0.6;

const MOST_COPIES = 3;

/**
 * The plan of a seed. Few kinds of faults in each, and others in the next ("swarm testing"): where everything goes wrong at
 * once, nothing goes far enough to go wrong in an interesting way.
 */
export function makePlan(seed: number, only?: readonly FaultKind[]): Plan {
  const random = createRandom(seed, 'plan');
  if (only === undefined && random.chance(WITH_A_THEME)) {
    const { scale, faults } = drawThemed(random);
    return { seed, scale, faults: faults.toSorted((a, b) => a.atMs - b.atMs) };
  }
  const scale = drawScale(random);
  const kinds = only ?? drawKinds(random);
  const count = kinds.length === 0 ? 0 : Math.floor(40 ** random.next());
  const faults: Fault[] = [];
  for (let i = 0; i < count; i++) {
    const drawn = DRAWS[random.pick(kinds)](random, scale, random.int(scale.busyMs));
    faults.push(...(Array.isArray(drawn) ? (drawn as readonly Fault[]) : [drawn as Fault]));
  }
  return { seed, scale, faults: withFewCopies(faults.toSorted((a, b) => a.atMs - b.atMs)) };
}

/** Each copy is one more machine that everybody syncs with, to the end: of thirty a seed would take minutes. */
function withFewCopies(faults: readonly Fault[]): readonly Fault[] {
  let copies = 0;
  return faults.filter(({ kind }) => kind !== 'clone-profile' || ++copies <= MOST_COPIES);
}

/** Faults of a network are of many kinds themselves, and so are drawn more often. */
const KINDS_AS_OFTEN: readonly FaultKind[] = [...FAULT_KINDS, 'network', 'network', 'network'];

function drawKinds(random: SimRandom): FaultKind[] {
  const most = 1 + random.int(6);
  return Array.from({ length: most }, () => random.pick(KINDS_AS_OFTEN));
}

function drawScale(random: SimRandom): Scale {
  const busyMs = Math.floor(random.pick([60_000, 300_000, 1_200_000]) * random.between(0.5, 1));
  return {
    browsers: 1 + random.int(4),
    accounts: random.chance(0.7) ? 1 : 2,
    spaces: random.chance(0.85) ? 1 : 2,
    keys: random.pick([2, 8, 40, 2_000]),
    bulk: random.chance(0.03),
    actionMs: Math.floor(random.pick([0.005, 0.02, 0.05]) * busyMs),
    busyMs,
    hasSync: random.chance(0.6),
    updates: random.pick(['hold', 'live'] as const),
    push: random.chance(0.5),
    validator: random.chance(0.25),
    realSignatures: random.chance(0.02),
  };
}
