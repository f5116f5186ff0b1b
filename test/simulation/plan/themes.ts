import type { NetworkFault } from '../network/fault.ts';
import type { SimRandom } from '../world/random.ts';
import type { ByzantineAct, Fault, Lie, Scale, Strike } from './plan.ts';
import { BYZANTINE_ACTS, LIES } from './plan.ts';

/** What a theme draws. */
export interface Themed {
  readonly scale: Scale;
  readonly faults: readonly Fault[];
}

type Theme = (random: SimRandom) => Themed;

/** A small world in which much is done: some ten seconds to a minute. */
function smallScale(random: SimRandom, wishes: Partial<Scale> = {}): Scale {
  const busyMs = wishes.busyMs ?? Math.floor(random.between(15_000, 60_000));
  const browsers = wishes.browsers ?? 1 + random.int(3);
  return {
    browsers,
    accounts: random.chance(0.85) ? 1 : 2,
    spaces: 1,
    keys: random.pick([1, 2, 8]),
    actionMs: Math.floor((busyMs * browsers) / random.between(25, 80)),
    busyMs,
    hasSync: random.chance(0.6),
    updates: random.pick(['hold', 'live'] as const),
    push: random.chance(0.3),
    validator: random.chance(0.15),
    realSignatures: false,
    bulk: false,
    ...wishes,
  };
}

const ms = (random: SimRandom, from: number, to: number): number => Math.floor(random.between(from, to));
const times = <T>(count: number, draw: (i: number) => T | readonly T[]): T[] => Array.from({ length: count }, (_, i) => draw(i)).flat() as T[];
/** A moment between two events of a store. */
const strike = (random: SimRandom, most: number): Strike => ({ commits: 1 + random.int(most), lateMs: Math.floor(random.between(0, 40) ** 2) / 100 });

/** A browser goes away in the middle of something, by one of the ways there are. */
function goneFor(random: SimRandom, atMs: number, browser: number, most: number): Fault {
  const after = strike(random, most);
  const downMs = ms(random, 50, 3_000);
  return random.pick([
    { atMs, kind: 'stop-worker', browser, after },
    { atMs, kind: 'stop-worker', browser, after },
    { atMs, kind: 'kill-browser', browser, downMs, after, torn: downMs % 2 === 0 },
    { atMs, kind: 'power-cut', browser, downMs, after },
  ]);
}

/** Somebody is there and writes, in a few tabs at once. */
const burst = (random: SimRandom, atMs: number, browser: number): Fault => ({ atMs: Math.max(0, Math.floor(atMs)), kind: 'tab-burst', browser, tabs: 2 + random.int(2), writes: 1 + random.int(3) });

/** A database that is put back, while the server knows what was written since, with entries in it that were not sent yet. */
const setbacks: Theme = (random) => {
  const scale = smallScale(random, { browsers: 1 + random.int(2) });
  const { busyMs, browsers } = scale;
  const browser = random.int(browsers);
  const faults: Fault[] = [];
  const saved = ms(random, 0.1 * busyMs, 0.35 * busyMs);
  if (random.chance(0.7)) faults.push({ atMs: saved - 1_000, kind: 'partition', browser, forMs: ms(random, 1_000, 4_000) }, burst(random, saved - 900, browser));
  faults.push({ atMs: saved, kind: 'save-profile', browser }, burst(random, saved + ms(random, 0, 3_000), browser));
  for (let i = 1 + random.int(3); i > 0; i--) {
    const atMs = ms(random, saved + 3_000, 0.95 * busyMs);
    const downMs = ms(random, 50, 500);
    faults.push({ atMs, kind: 'restore-profile', browser, downMs, all: random.chance(0.15) });
    // Whoever comes back writes at once, and the network may not be there yet.
    if (random.chance(0.6)) faults.push({ atMs, kind: 'partition', browser, forMs: ms(random, 500, 8_000) });
    for (let j = random.int(3); j >= 0; j--) faults.push(burst(random, atMs + downMs + ms(random, 1, 2_000), browser));
    if (random.chance(0.3)) faults.push(goneFor(random, atMs + downMs, browser, 12));
  }
  return { scale, faults };
};

/** A profile that is copied with entries that were not sent yet: the copy is first to send them, and both go on. */
const copies: Theme = (random) => {
  const scale = smallScale(random, { browsers: 1, updates: 'live' });
  const { busyMs } = scale;
  const away = ms(random, 0.1 * busyMs, 0.3 * busyMs);
  const awayMs = ms(random, 3_000, 0.5 * busyMs);
  const back = away + awayMs;
  const copied = ms(random, away + 500, back - 1_500);
  const faults: Fault[] = [
    { atMs: away, kind: 'partition', browser: 0, forMs: awayMs },
    burst(random, away + ms(random, 0, 500), 0),
    { atMs: copied, kind: 'clone-profile', browser: 0 },
    burst(random, copied + ms(random, 1, 1_500), 0),
    ...times(2, () => burst(random, copied + ms(random, 100, 3_000), 1)),
    ...times(1 + random.int(4), () => burst(random, back + ms(random, 0, 3_000), 0)),
  ];
  if (random.chance(0.7)) faults.push({ atMs: back - 1, kind: 'network', browser: 0, fault: { kind: 'delay', chance: 1, minMs: 0, maxMs: ms(random, 100, 3_000) }, forMs: 6_000 });
  if (random.chance(0.4)) faults.push({ atMs: ms(random, back - 2_000, back + 2_000), kind: 'update-worker', browser: random.int(2) });
  if (random.chance(0.5)) faults.push(...times(1 + random.int(3), () => goneFor(random, back + ms(random, 0, 2_000), random.int(2), 15)));
  if (random.chance(0.3)) faults.push({ atMs: ms(random, back, busyMs), kind: 'clone-profile', browser: 0 });
  return { scale, faults };
};

/** Two machines with one profile that write all the time, on a network that is slow. */
const twins: Theme = (random) => {
  const scale = smallScale(random, { browsers: 1 });
  const { busyMs } = scale;
  const fault: NetworkFault = { kind: 'delay', chance: 1, minMs: 0, maxMs: ms(random, 50, 5_000) };
  const first = ms(random, 0.1 * busyMs, 0.5 * busyMs);
  const faults: Fault[] = [{ atMs: first, kind: 'clone-profile', browser: 0 }, burst(random, first + ms(random, 0, 1_000), 0), burst(random, first + ms(random, 0, 2_000), 1)];
  if (random.chance(0.5)) faults.push({ atMs: 0, kind: 'network', fault, forMs: busyMs });
  faults.push(
    ...times<Fault>(2 + random.int(6), () => {
      const atMs = ms(random, first, Math.min(first + 10_000, 0.95 * busyMs));
      return random.pick<Fault>([
        burst(random, atMs, random.int(2)),
        burst(random, atMs, random.int(2)),
        { atMs, kind: 'update-worker', browser: random.int(2) },
        { atMs, kind: 'partition', browser: random.int(2), forMs: ms(random, 500, 10_000) },
        { atMs, kind: 'clone-profile', browser: random.int(2) },
        goneFor(random, atMs, random.int(2), 20),
      ]);
    }),
  );
  return { scale, faults };
};

/** Everybody writes at the same moments, and nothing is wrong. */
const crowds: Theme = (random) => {
  const scale = smallScale(random, { browsers: 3 + random.int(2), accounts: 1, validator: false, keys: random.pick([1, 8]) });
  const faults = times<Fault>(3 + random.int(6), () => {
    const atMs = ms(random, 0.05 * scale.busyMs, 0.95 * scale.busyMs);
    return times(scale.browsers, (browser) => burst(random, atMs + random.int(60), browser));
  });
  return { scale, faults };
};

/** The worker is updated while many tabs write, and the disk is slow. */
const twoVersions: Theme = (random) => {
  const scale = smallScale(random, { browsers: 1 + random.int(2) });
  const faults = times<Fault>(2 + random.int(4), () => {
    const atMs = ms(random, 0.02 * scale.busyMs, 0.9 * scale.busyMs);
    const browser = random.int(scale.browsers);
    const some: Fault[] = [{ atMs, kind: 'update-worker', browser }];
    // Pages that are there before the new version is, and go on while it takes over.
    for (let i = 1 + random.int(2); i > 0; i--) {
      some.push({ atMs: Math.max(0, atMs + ms(random, -1_500, 500)), kind: 'tab-burst', browser, tabs: 3 + random.int(3), writes: 2 + random.int(3), overMs: ms(random, 500, 6_000) });
    }
    if (random.chance(0.5)) some.push({ atMs: atMs + ms(random, 0, 3_000), kind: 'disk-stall', browser, forMs: ms(random, 100, 14_000) });
    if (random.chance(0.2)) some.push(goneFor(random, atMs, browser, 20));
    return some;
  });
  return { scale, faults };
};

/** The server falls back to an early state, and newcomers are there first: who was there before is away. */
const serverSetbacks: Theme = (random) => {
  const scale = smallScale(random, { browsers: 1 + random.int(3), validator: random.chance(0.3) });
  const { busyMs, browsers } = scale;
  const clones = random.chance(0.2);
  const newcomer = (atMs: number): Fault => ({ atMs, kind: clones ? 'clone-profile' : 'evict', browser: random.int(browsers) });
  const faults: Fault[] = [{ atMs: random.chance(0.3) ? random.int(300) : ms(random, 0.1 * busyMs, 0.25 * busyMs), kind: 'server-save' }];
  if (random.chance(0.7)) faults.push(newcomer(ms(random, 0.3 * busyMs, 0.5 * busyMs)));
  for (let i = 1 + random.int(2); i > 0; i--) {
    const atMs = ms(random, 0.55 * busyMs, 0.9 * busyMs);
    const downMs = ms(random, 50, 2_000);
    const up = atMs + downMs;
    faults.push({ atMs, kind: 'server-restore', downMs });
    for (let browser = 0; browser < browsers; browser++) {
      const what = random.pick(['away', 'away', 'writes', 'neither'] as const);
      if (what === 'away') faults.push({ atMs: Math.max(0, atMs - ms(random, 0, 3_000)), kind: 'partition', browser, forMs: ms(random, 2_000, 15_000) });
      if (what === 'writes') faults.push(burst(random, up + ms(random, 0, 1_000), browser));
    }
    if (random.chance(0.7)) faults.push(newcomer(ms(random, atMs - 300, up + 300)));
    if (random.chance(0.3)) faults.push({ atMs: up, kind: 'server-kill', downMs: ms(random, 10, 1_000), after: strike(random, 40) });
  }
  return { scale, faults };
};

/** Somebody in between answers, or the answer never comes. */
const portals: Theme = (random) => {
  const scale = smallScale(random);
  const faults = times<Fault>(2 + random.int(4), () => {
    const fault = random.pick<NetworkFault>([
      { kind: 'captive-portal', chance: 1, says: 'html' },
      { kind: 'captive-portal', chance: 1, says: random.pick(['garbage', 'empty'] as const) },
      { kind: 'drop-response', chance: random.pick([1, 0.5]), afterMs: ms(random, 10, 5_000) },
      { kind: 'duplicate', chance: 0.7, lateMs: ms(random, 10, 5_000) },
      { kind: 'truncate', chance: 0.5, silent: random.chance(0.5) },
      { kind: 'busy', chance: random.pick([1, 0.5]), status: random.pick([429, 503] as const), retryAfterS: 1 + random.int(20) },
      { kind: 'stream-end', chance: 1, afterMs: ms(random, 10, 5_000), how: random.pick(['complete', 'error', 'silence'] as const) },
    ]);
    const browser = random.chance(0.5) ? undefined : random.int(scale.browsers);
    return { atMs: ms(random, 0, 0.9 * scale.busyMs), kind: 'network', browser, fault, forMs: ms(random, 500, 15_000) };
  });
  return { scale, faults };
};

/** Power goes, browsers die, workers are stopped, each between two writes of a disk; or a browser dies twice in a row. */
const strikes: Theme = (random) => {
  const scale = smallScale(random, { browsers: 1 + random.int(2), bulk: random.chance(0.3) });
  const faults = times<Fault>(4 + random.int(10), () => goneFor(random, ms(random, 0, scale.busyMs), random.int(scale.browsers), 25));
  if (random.chance(0.7)) faults.push(...times(1 + random.int(2), () => diesTwice(random, ms(random, 0.1 * scale.busyMs, 0.8 * scale.busyMs), random.int(scale.browsers))));
  return { scale, faults };
};

/** Where no network is, Chromium is killed in the middle of a write, somebody looks or writes on, and it is killed again. */
function diesTwice(random: SimRandom, atMs: number, browser: number): Fault[] {
  const [downMs, next] = [ms(random, 50, 500), atMs + ms(random, 2_000, 5_000)];
  return [
    { atMs: atMs - 1_500, kind: 'partition', browser, forMs: ms(random, 5_000, 12_000) },
    burst(random, atMs - 1_000, browser),
    { atMs, kind: 'kill-browser', browser, downMs, torn: true },
    { atMs: atMs + downMs + ms(random, 1, 1_000), kind: 'tab-burst', browser, tabs: 2, writes: random.int(3) },
    { atMs: next, kind: 'kill-browser', browser, downMs, torn: random.chance(0.5) },
  ];
}

/** All begin at once with the same few keys, and meet late. */
const newborn: Theme = (random) => {
  const scale = smallScale(random, { browsers: 2 + random.int(3), accounts: 1, keys: 1 + random.int(2), validator: false });
  const faults = times<Fault>(scale.browsers, (browser) => [
    { atMs: 0, kind: 'partition', browser, forMs: ms(random, 100, 0.9 * scale.busyMs) },
    { atMs: ms(random, 0, 500), kind: 'tab-burst', browser, tabs: 2, writes: 1 + random.int(3) },
    { atMs: ms(random, 0, scale.busyMs), kind: 'tab-burst', browser, tabs: 2, writes: 1 + random.int(3) },
  ]);
  return { scale, faults };
};

/** Somebody keeps no rule, several times over. */
const intruders: Theme = (random) => {
  const scale = smallScale(random, { accounts: 1 });
  const acts: readonly ByzantineAct[] = times(6, () => random.pick(BYZANTINE_ACTS));
  const faults = times<Fault>(5 + random.int(6), () => ({ atMs: ms(random, 0.1 * scale.busyMs, 0.9 * scale.busyMs), kind: 'byzantine', act: random.pick(acts) }));
  return { scale, faults };
};

/** Somebody answers in the server's place. */
const liars: Theme = (random) => {
  const scale = smallScale(random, { browsers: 2, accounts: 1 });
  const lies: readonly Lie[] = random.chance(0.4) ? ['withhold'] : times(1 + random.int(2), () => random.pick(LIES));
  const faults = times<Fault>(1 + random.int(3), () => ({
    atMs: ms(random, 0.1 * scale.busyMs, 0.8 * scale.busyMs),
    kind: 'lying-server',
    browser: random.int(2),
    lie: random.pick(lies),
    forMs: ms(random, 1_000, 0.3 * scale.busyMs),
  }));
  return { scale, faults };
};

/** Disks that fail, are full, or do nothing. */
const badDisks: Theme = (random) => {
  const scale = smallScale(random, { browsers: 1 + random.int(2), bulk: random.chance(0.4) });
  const faults = times<Fault>(3 + random.int(10), () => {
    const [atMs, browser] = [ms(random, 0, 0.95 * scale.busyMs), random.int(scale.browsers)];
    return random.pick<Fault>([
      { atMs, kind: 'disk-error', browser, afterCalls: random.int(60) },
      { atMs, kind: 'disk-error', browser, afterCalls: random.int(200) },
      { atMs, kind: 'quota', browser, spareBytes: random.int(3_000), forMs: ms(random, 500, 10_000) },
      { atMs, kind: 'disk-stall', browser, forMs: ms(random, 100, 12_000) },
      { atMs, kind: 'tab-burst', browser, tabs: 2, writes: 2 + random.int(3) },
      goneFor(random, atMs, browser, 10),
    ]);
  });
  return { scale, faults };
};

/** A server that dies between two calls of its disk, is full, fails, or lets nobody write. */
const badServer: Theme = (random) => {
  const scale = smallScale(random, { validator: random.chance(0.5) });
  const faults = times<Fault>(3 + random.int(8), () => {
    const atMs = ms(random, 0, 0.95 * scale.busyMs);
    const downMs = ms(random, 10, 3_000);
    return random.pick<Fault>([
      { atMs, kind: 'server-kill', downMs, after: strike(random, 60) },
      { atMs, kind: 'server-power-cut', downMs, after: strike(random, 60) },
      { atMs, kind: 'server-disk-error', afterCalls: random.int(60) },
      { atMs, kind: 'server-stall', forMs: ms(random, 100, 10_000) },
      { atMs, kind: 'server-full', spareBytes: random.int(2_000), forMs: ms(random, 500, 15_000) },
      { atMs, kind: 'forbid', forMs: ms(random, 500, 15_000) },
      { atMs, kind: 'evict', browser: random.int(scale.browsers) },
      { atMs, kind: 'tab-burst', browser: random.int(scale.browsers), tabs: 2 + random.int(3), writes: 1 + random.int(3) },
    ]);
  });
  return { scale, faults };
};

const CLOCK_JUMP_MS = 300_000_000_000;

/** Clocks that are years off, stand still, or go back. */
const clocks: Theme = (random) => {
  const scale = smallScale(random, { browsers: 1 + random.int(2), keys: random.pick([1, 2]), validator: false });
  const faults = times<Fault>(1 + random.int(5), () => {
    const [atMs, browser] = [ms(random, 0, 0.9 * scale.busyMs), random.int(scale.browsers)];
    return random.pick<Fault>([
      { atMs, kind: 'clock-jump', browser, byMs: Math.floor(random.pick([-1, 1]) * CLOCK_JUMP_MS ** random.between(0.2, 1)) },
      { atMs, kind: 'clock-jump', browser, byMs: Math.floor(random.pick([-1, 1]) * CLOCK_JUMP_MS ** random.between(0.2, 1)) },
      { atMs, kind: 'clock-freeze', browser, forMs: ms(random, 1_000, 30_000) },
      { atMs, kind: 'server-clock-jump', byMs: Math.floor(random.pick([-1, 1]) * CLOCK_JUMP_MS ** random.between(0.2, 1)) },
    ]);
  });
  return { scale, faults };
};

/** Large views and many keys, and nothing that goes wrong, or little. */
const imports: Theme = (random) => {
  const scale = smallScale(random, { browsers: 1 + random.int(2), keys: 2_000, bulk: true });
  const faults = times<Fault>(random.int(3), () => goneFor(random, ms(random, 0, scale.busyMs), random.int(scale.browsers), 20));
  return { scale, faults };
};

/** Those with more ways to go wrong are drawn more often. */
const WEIGHTS: readonly (readonly [Theme, weight: number])[] = [
  [setbacks, 3],
  [copies, 3],
  [twins, 2],
  [crowds, 2],
  [twoVersions, 4],
  [serverSetbacks, 4],
  [portals, 1],
  [strikes, 2],
  [newborn, 1],
  [intruders, 2],
  [liars, 1],
  [badDisks, 2],
  [badServer, 1],
  [clocks, 1],
  [imports, 1],
];
const THEMES: readonly Theme[] = WEIGHTS.flatMap(([theme, weight]) => Array.from({ length: weight }, () => theme));

/** A small world around one theme: what seldom meets by chance is common here. */
export function drawThemed(random: SimRandom): Themed {
  return random.pick(THEMES)(random);
}
