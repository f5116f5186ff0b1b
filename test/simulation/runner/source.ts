import { readFileSync } from 'node:fs';
import { KNOWN_SEEDS } from '../known-seeds.ts';
import { makePlan } from '../plan/make-plan.ts';
import type { Plan } from '../plan/plan.ts';
import type { RunnerOptions } from './options.ts';

/** A plan and what to call it. */
export interface Task {
  readonly name: string;
  readonly plan: Plan;
  /** Where seeds are counted: so that a run that goes on leaves it out. */
  readonly seed?: number;
  /** The command line that runs it again, if there is one shorter than its plan. */
  readonly again: string | undefined;
}

/** What is to be run, in order. The dose of CI is the same every time: what turns it red is the change (0010). */
export function* tasksOf(options: RunnerOptions): Generator<Task> {
  if (options.plan !== undefined) {
    const read = JSON.parse(readFileSync(options.plan, 'utf8')) as Plan | readonly Plan[];
    const plans = Array.isArray(read) ? (read as readonly Plan[]) : [read as Plan];
    for (const plan of plans) yield { name: `a plan of seed ${plan.seed}`, plan, again: `--plan ${options.plan}` };
    return;
  }
  if (options.seed !== undefined) {
    yield ofSeed(options.seed, options);
    return;
  }
  if (options.ci) yield* knownTasks();
  for (let i = 0; i < options.seeds; i++) yield ofSeed(options.from + i, options);
}

export function* knownTasks(): Generator<Task> {
  for (const known of KNOWN_SEEDS) {
    const plan = 'plan' in known ? known.plan : makePlan(known.seed);
    yield {
      name: `known ${plan.seed} (${known.rule}: ${known.was})`,
      plan,
      again: 'plan' in known ? undefined : `--seed ${known.seed}`,
    };
  }
}

function ofSeed(seed: number, { faults }: RunnerOptions): Task {
  const again = `--seed ${seed}${faults === undefined ? '' : ` --faults ${faults.join(',') || 'none'}`}`;
  return { name: `seed ${seed}`, plan: makePlan(seed, faults), seed, again };
}
