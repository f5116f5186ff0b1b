import { mkdirSync, writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plan } from '../plan/plan.ts';
import type { Failure } from '../world/world.ts';
import type { JobOutcome } from './job.ts';
import { describeDifference, failureOf, shrinkFailure } from './judge.ts';
import type { RunnerOptions } from './options.ts';
import type { Pool } from './pool.ts';
import type { Progress } from './progress.ts';
import { createRanges } from './ranges.ts';
import type { SoakState } from './soak-state.ts';
import type { Task } from './source.ts';
import type { Tally } from './tally.ts';
import { addRuns, count } from './tally.ts';

/** Runs of many plans, as many at once as there are processes. */
export interface Campaign {
  readonly run: (tasks: Iterator<Task>) => Promise<void>;
  /** Seeds that were run, as ranges: [first, last] of each. */
  readonly done: () => readonly (readonly [number, number])[];
  /** Names of what failed, with rules. */
  readonly failed: () => readonly string[];
}

export interface CampaignParts {
  readonly pool: Pool;
  readonly options: RunnerOptions;
  readonly tally: Tally;
  readonly progress: Progress;
  readonly earlier: SoakState | undefined;
  readonly isOver: () => boolean;
  /** After each task. */
  readonly onTask: () => void;
}

/** With `--twice sample`, so many plans are run once for one that is repeated. */
const TWICE_EVERY = 8;
/** One plan in so many is run in another process too. */
const ELSEWHERE_EVERY = 16;
const MOST_TEXT = 3_000;

export function createCampaign({ pool, options, tally, progress, earlier, isOver, onTask }: CampaignParts): Campaign {
  const failed: string[] = [...(earlier?.failed ?? [])];
  const done = createRanges(earlier?.done ?? []);
  const shrunkRules = new Set<string>();
  let started = 0;

  async function runTask({ name, plan, seed, again }: Task): Promise<void> {
    const number = started++;
    const times = options.twice === 'all' || number % TWICE_EVERY === 0 ? 2 : 1;
    const outcome = await pool.run({ plan, times, lines: options.verbose ? 'all' : 0 });
    if (outcome.kind === 'ran' && options.verbose) progress.say(outcome.runs[0]?.traceLines.join('\n') ?? '');
    note(plan, outcome);
    let failure = failureOf(outcome);
    if (failure === undefined && outcome.kind === 'ran' && number % ELSEWHERE_EVERY === 0)
      failure = await compareElsewhere(plan, outcome.worker, outcome);
    if (failure !== undefined) {
      tally.failures += 1;
      failed.push(`${name}: ${failure.rule}`);
      await tell(name, plan, again, failure, outcome.worker);
    }
    if (seed !== undefined) done.add(seed);
    onTask();
  }

  function note(plan: Plan, outcome: JobOutcome): void {
    if (outcome.kind !== 'ran') {
      tally.plans += 1;
      return;
    }
    addRuns(tally, plan, outcome.runs);
    tally.cpuMs += outcome.cpuMs;
  }

  /** In another process, which has run other plans before, the same happens. */
  async function compareElsewhere(
    plan: Plan,
    worker: number,
    here: JobOutcome & { readonly kind: 'ran' },
  ): Promise<Failure | undefined> {
    const other = (worker + 1) % pool.size;
    if (other === worker) pool.refresh(worker);
    const there = await pool.run({ plan, times: 1, lines: 0 }, other);
    if (there.kind !== 'ran') return failureOf(there);
    tally.elsewhere += 1;
    tally.cpuMs += there.cpuMs;
    for (const { steps } of there.runs) tally.allSteps += steps;
    return failureOf({ ...here, runs: [...here.runs, ...there.runs] });
  }

  async function tell(
    name: string,
    plan: Plan,
    again: string | undefined,
    { rule, text, at }: Failure,
    worker: number,
  ): Promise<void> {
    progress.say(`\nFAILED ${name}: ${rule} after ${count(at)} virtual ms: ${text.slice(0, MOST_TEXT)}`);
    if (rule === 'DETERMINISM') progress.say(await describeDifference(pool, plan, worker));
    if (again !== undefined) progress.say(`  again: npm run simulate -- ${again}`);
    const isAlone = options.seed !== undefined || options.plan !== undefined;
    if (rule === 'HANG' || rule === 'DIED' || options.asIs || (shrunkRules.has(rule) && !isAlone)) return;
    shrunkRules.add(rule);
    const small = await shrinkFailure(pool, plan, rule);
    const file = savePlan(`${rule}-${plan.seed}`, small);
    progress.say(
      `  shrunken plan of ${name} (${small.faults.length} of ${plan.faults.length} faults):\n${JSON.stringify(small)}\n  again: npm run simulate -- --plan ${file}`,
    );
  }

  return {
    async run(tasks) {
      const goOn = async (): Promise<void> => {
        while (!isOver()) {
          const next = tasks.next();
          if (next.done === true) return;
          if (next.value.seed === undefined || !done.has(next.value.seed)) await runTask(next.value);
        }
      };
      await Promise.all(Array.from({ length: pool.size }, goOn));
    },
    done: done.ranges,
    failed: () => failed,
  };
}

const FAILED_FOLDER = fileURLToPath(new URL('../../../node_modules/.cache/simulate-failed/', import.meta.url));

/** Puts a plan where the command that is printed finds it; the path as one types it. */
function savePlan(name: string, plan: Plan): string {
  mkdirSync(FAILED_FOLDER, { recursive: true });
  const file = `${FAILED_FOLDER}${name}.json`;
  writeFileSync(file, `${JSON.stringify(plan)}\n`);
  return relative(process.cwd(), file);
}
