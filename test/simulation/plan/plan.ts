import type { NetworkFault } from '../network/fault.ts';
import type { PushFault } from '../network/push-fault.ts';

/**
 * Between two events of a store: so many commits of the browser, or calls of the server's disk, are waited for from `atMs` on,
 * and so long after the last of them it happens, virtual ms.
 */
export interface Strike {
  readonly commits: number;
  readonly lateMs: number;
}

/** One thing that goes wrong, as data: printed with a failing seed, shrunk, and kept. `browser` counts from 0. */
export type Fault = { readonly atMs: number; readonly after?: Strike } & (
  | { readonly kind: 'stop-worker'; readonly browser: number }
  | { readonly kind: 'update-worker'; readonly browser: number }
  /** `torn`: in the middle of a write of Chromium's, which all browsers of the plan are then. */
  | { readonly kind: 'kill-browser'; readonly browser: number; readonly downMs: number; readonly torn?: boolean }
  | { readonly kind: 'power-cut'; readonly browser: number; readonly downMs: number }
  /** The browser empties the site's storage, whole, while it runs. */
  | { readonly kind: 'evict'; readonly browser: number }
  | { readonly kind: 'save-profile'; readonly browser: number }
  /** What was saved takes the place of what is there. `all` false: the databases only, not what lies beside them. */
  | { readonly kind: 'restore-profile'; readonly browser: number; readonly downMs: number; readonly all: boolean }
  /** A second machine with a copy of the profile: both go on. */
  | { readonly kind: 'clone-profile'; readonly browser: number }
  | { readonly kind: 'quota'; readonly browser: number; readonly spareBytes: number; readonly forMs: number }
  | { readonly kind: 'disk-error'; readonly browser: number; readonly afterCalls: number }
  | { readonly kind: 'disk-stall'; readonly browser: number; readonly forMs: number }
  | { readonly kind: 'clock-jump'; readonly browser: number; readonly byMs: number }
  | { readonly kind: 'clock-freeze'; readonly browser: number; readonly forMs: number }
  /** So many tabs write, at once or within so long. */
  | { readonly kind: 'tab-burst'; readonly browser: number; readonly tabs: number; readonly writes: number; readonly overMs?: number }
  /** `browser` undefined: every machine. */
  | { readonly kind: 'network'; readonly browser?: number | undefined; readonly fault: NetworkFault; readonly forMs: number }
  | { readonly kind: 'partition'; readonly browser: number; readonly forMs: number }
  | { readonly kind: 'server-kill'; readonly downMs: number }
  | { readonly kind: 'server-power-cut'; readonly downMs: number }
  | { readonly kind: 'server-stall'; readonly forMs: number }
  | { readonly kind: 'server-save' }
  | { readonly kind: 'server-restore'; readonly downMs: number }
  | { readonly kind: 'server-disk-error'; readonly afterCalls: number }
  /** Its disk has room for so much more, and no more. */
  | { readonly kind: 'server-full'; readonly spareBytes: number; readonly forMs: number }
  /** The app lets nobody write. */
  | { readonly kind: 'forbid'; readonly forMs: number }
  | { readonly kind: 'server-clock-jump'; readonly byMs: number }
  | { readonly kind: 'push'; readonly fault: PushFault; readonly forMs: number }
  | { readonly kind: 'forged-push'; readonly browser: number }
  /** A device that keeps no rule sends what no honest one would. */
  | { readonly kind: 'byzantine'; readonly act: ByzantineAct }
  /** Somebody between a device and its server holds a valid certificate, and lies. */
  | { readonly kind: 'lying-server'; readonly browser: number; readonly lie: Lie; readonly forMs: number }
);

/** What happens to one machine, … */
export type MachineFault = Extract<Fault, { readonly browser: number } | { readonly kind: 'network' }>;
/** … and what happens to the server, or to everybody. */
export type WorldFault = Exclude<Fault, { readonly browser: number }>;

export type FaultKind = Fault['kind'];

export const BYZANTINE_ACTS = [
  'equivocate',
  'bad-signature',
  'gap',
  'regrown-lamport',
  'wrong-space',
  'cut-run',
  'impersonate',
  'false-statements',
  'withhold-body',
  'unenrolled',
  'strange-entries',
  'over-long',
  'garbage',
  'replay',
  'false-cursor',
] as const;
export type ByzantineAct = (typeof BYZANTINE_ACTS)[number];

export const LIES = ['withhold', 'cursor-ahead', 'acknowledge', 'refuse', 'alter-runs', 'fork', 'compare', 'epochs', 'huge', 'replay'] as const;
export type Lie = (typeof LIES)[number];

/** How much goes on, and among whom. */
export interface Scale {
  readonly browsers: number;
  readonly accounts: number;
  readonly spaces: number;
  readonly keys: number;
  /** Now and then somebody writes hundreds of entries at once, so that views have many shards. */
  readonly bulk?: boolean;
  /** Virtual ms between two actions of one tab, on average. */
  readonly actionMs: number;
  /** How long users act and faults happen, virtual ms. */
  readonly busyMs: number;
  readonly hasSync: boolean;
  readonly updates: 'hold' | 'live';
  readonly push: boolean;
  /** The authority refuses some entries. */
  readonly validator: boolean;
  /** Ed25519 itself instead of the simulation's cheap signatures. */
  readonly realSignatures: boolean;
}

/** A run, whole: the same plan always runs the same way. */
export interface Plan {
  readonly seed: number;
  readonly scale: Scale;
  readonly faults: readonly Fault[];
}
