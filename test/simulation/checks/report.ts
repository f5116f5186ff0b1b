import type { Failure } from '../world/world.ts';
import type { Plan } from '../plan/plan.ts';

/** What came of a run. */
export interface RunResult {
  readonly plan: Plan;
  readonly failure: Failure | undefined;
  readonly steps: number;
  readonly events: number;
  /** Virtual ms that went by. */
  readonly ranMs: number;
  readonly traceHash: string;
  readonly traceLines: readonly string[];
  readonly writes: { readonly asked: number; readonly acknowledged: number; readonly goneWithADisk: number };
}
