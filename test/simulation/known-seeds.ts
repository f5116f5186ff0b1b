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
];
