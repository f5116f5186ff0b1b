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
export const KNOWN_SEEDS: readonly KnownSeed[] = [];
