import type { RunResult } from '../checks/report.ts';
import type { Plan } from '../plan/plan.ts';

/** What a child process is asked to run. */
export interface Job {
  readonly plan: Plan;
  /** How often, one run directly after the other: what the first one left behind may not matter to the second. */
  readonly times: number;
  /** Lines of the trace to send back; `all`: each. */
  readonly lines: number | 'all';
}

/** A run without its plan, which its asker has. */
export type RunReport = Omit<RunResult, 'plan'>;

export type FromChild =
  /** A run of the job begins: a new time limit for it. */
  { readonly kind: 'begins' } | { readonly kind: 'ran'; readonly runs: readonly RunReport[]; readonly cpuMs: number };

/** How a job came out: its runs, or no answer in time, or the end of its process. */
export type JobOutcome =
  | { readonly kind: 'ran'; readonly runs: readonly RunReport[]; readonly cpuMs: number }
  | { readonly kind: 'hang'; readonly seconds: number }
  | { readonly kind: 'died'; readonly text: string };
