import type { Plan } from './plan/plan.ts';

/** A run that once broke an invariant. Each is run again, first of all, wherever the simulator runs. */
export type KnownSeed = {
  /** The rule of docs/spec.md, or the row, that it broke. */
  readonly rule: string;
  /** What it was, in a sentence. */
  readonly was: string;
} & (
  | {
      /** All of what the seed draws. What is drawn changes with the simulator: a plan stays what it was. */
      readonly seed: number;
    }
  | { readonly plan: Plan }
);

/** Add to it whatever was fixed, with the shrunken plan that the runner printed. */
export const KNOWN_SEEDS: readonly KnownSeed[] = [
  {
    rule: 'CAP30',
    was: 'A disk stalled for ten seconds, the page asked again, and what it asked for was appended twice: one of two contexts looked up the attempt before the other had written it.',
    plan: {
      seed: 26,
      scale: {
        browsers: 1,
        accounts: 1,
        spaces: 1,
        keys: 40,
        actionMs: 2501,
        busyMs: 50035,
        hasSync: false,
        updates: 'hold',
        push: false,
        validator: false,
        realSignatures: false,
      },
      faults: [{ atMs: 14093, kind: 'disk-stall', browser: 0, forMs: 9950 }],
    },
  },
  {
    rule: 'SYNC13',
    was: 'A copied device held a live connection under the name of the first one, and was not sent what that one wrote: the server took it for its own.',
    plan: {
      seed: 80,
      scale: {
        browsers: 2,
        accounts: 1,
        spaces: 1,
        keys: 8,
        actionMs: 1074,
        busyMs: 53732,
        hasSync: false,
        updates: 'live',
        push: false,
        validator: false,
        realSignatures: false,
      },
      faults: [
        {
          atMs: 861,
          kind: 'network',
          browser: 1,
          fault: { kind: 'drip', chance: 1, pieceBytes: 1170, everyMs: 1 },
          forMs: 164721,
        },
        { atMs: 1714, kind: 'clone-profile', browser: 1 },
        { atMs: 49893, kind: 'power-cut', browser: 0, downMs: 2513 },
      ],
    },
  },
  {
    rule: 'VIEW2',
    was: 'A read failed while an entry that the authority refused was taken back: it was noted as refused, and its versions stayed in their keys.',
    plan: {
      seed: 1013,
      scale: {
        browsers: 3,
        accounts: 1,
        spaces: 1,
        keys: 2,
        actionMs: 1541,
        busyMs: 30836,
        hasSync: true,
        updates: 'hold',
        push: false,
        validator: true,
        realSignatures: true,
      },
      faults: [
        { atMs: 1408, kind: 'clone-profile', browser: 1 },
        { atMs: 1810, kind: 'disk-error', browser: 1, afterCalls: 63 },
        { atMs: 2759, kind: 'byzantine', act: 'equivocate' },
        { atMs: 5351, kind: 'clone-profile', browser: 0 },
        { atMs: 15500, kind: 'disk-error', browser: 2, afterCalls: 150 },
        { atMs: 16050, kind: 'disk-error', browser: 1, afterCalls: 111 },
      ],
    },
  },
  {
    rule: 'LOG17',
    was: 'The worker that took over had read its counters before the old one merged, and its view after: it superseded what it showed with a write that counted no further.',
    plan: {
      seed: 1796184337,
      scale: {
        browsers: 2,
        accounts: 1,
        spaces: 1,
        keys: 40,
        actionMs: 229,
        busyMs: 45923,
        hasSync: false,
        updates: 'hold',
        push: true,
        validator: false,
        realSignatures: false,
      },
      faults: [
        {
          atMs: 11629,
          kind: 'network',
          browser: 1,
          fault: { kind: 'truncate', chance: 0.1, silent: false },
          forMs: 7086,
        },
        { atMs: 40899, kind: 'update-worker', browser: 1 },
      ],
    },
  },
  {
    rule: 'SYNC7',
    was: 'Entries of a log that a copy had gone on with came by the live stream: the log begun in its place was not sent before the next write.',
    plan: {
      seed: 1016,
      scale: {
        browsers: 2,
        accounts: 1,
        spaces: 1,
        keys: 2,
        actionMs: 29034,
        busyMs: 290358,
        hasSync: false,
        updates: 'hold',
        push: false,
        validator: false,
        realSignatures: false,
      },
      faults: [
        { atMs: 147173, kind: 'clone-profile', browser: 0 },
        { atMs: 198990, kind: 'clone-profile', browser: 1 },
        { atMs: 236125, kind: 'clone-profile', browser: 0 },
        { atMs: 262560, kind: 'clone-profile', browser: 1 },
      ],
    },
  },
  {
    rule: 'CAP30',
    was: 'An attempt that waited behind another commit was looked up before the old worker appended it, and not again: the write was made twice while a new version took over.',
    plan: {
      seed: 12,
      scale: {
        browsers: 2,
        accounts: 1,
        spaces: 1,
        keys: 2,
        actionMs: 2805,
        busyMs: 43920,
        hasSync: false,
        updates: 'hold',
        push: false,
        validator: false,
        realSignatures: false,
        bulk: false,
      },
      faults: [
        { atMs: 28194, kind: 'tab-burst', browser: 1, tabs: 5, writes: 2, overMs: 1798 },
        { atMs: 28396, kind: 'tab-burst', browser: 1, tabs: 3, writes: 4, overMs: 2397 },
        { atMs: 28877, kind: 'update-worker', browser: 1 },
        { atMs: 36164, kind: 'tab-burst', browser: 1, tabs: 3, writes: 2, overMs: 2338 },
        { atMs: 37199, kind: 'tab-burst', browser: 1, tabs: 5, writes: 4, overMs: 5927 },
        { atMs: 37490, kind: 'update-worker', browser: 1 },
      ],
    },
  },
];
