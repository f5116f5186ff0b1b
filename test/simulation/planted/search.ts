import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { makePlan } from '../plan/make-plan.ts';
import type { FaultKind, Plan } from '../plan/plan.ts';
import { failureOf } from '../runner/judge.ts';
import type { FromChild, Job, JobOutcome } from '../runner/job.ts';
import type { Failure } from '../world/world.ts';
import type { PlantedBug } from './bug.ts';

const CHILD = fileURLToPath(new URL('../runner/child.ts', import.meta.url));
const WORKBOX = new URL('../loader/workbox-in-node.ts', import.meta.url).href;
const PLANT = new URL('plant.ts', import.meta.url).href;

/** CPU time after which a run counts as one that never ends. */
const HANG_CPU_MS = 15_000;
const LOOK_EVERY_MS = 1_000;
/** A world with more to do than this is left out: in its time ten small ones run, with other faults each. Every eighth may be larger. */
const MOST_ACTIONS = 100;
const MOST_ACTIONS_OF_SOME = 300;
/** After so many runs a new process, which has forgotten what they left in memory. */
const RUNS_A_PROCESS = 100;

/** One seed, drawn as the swarm does, or with certain faults only. */
export interface Trial {
  readonly seed: number;
  readonly faults: readonly FaultKind[] | undefined;
}

export interface Found extends Trial {
  readonly rule: string;
  readonly text: string;
}

export interface Search {
  readonly bug: PlantedBug;
  readonly found: Found | undefined;
  /** CPU time of the runs with the bug, those that did not find it included. */
  readonly cpuMs: number;
  readonly runs: number;
}

export interface SearchOptions {
  readonly cpuMs: number;
  /** Tried first. */
  readonly remembered: Trial | undefined;
  /** Whether production code as it is breaks a rule with a plan: then the plan finds nothing. */
  readonly isBrokenAnyway: (plan: Plan) => Promise<boolean>;
  /** Keeps to the remembered seed. */
  readonly rememberedOnly: boolean;
  /** Draws the faults that matter from the start: to find a seed quickly, never for the report. */
  readonly hinted: boolean;
}

export function planOf({ seed, faults }: Trial): Plan {
  return makePlan(seed, faults);
}

/** Looks for a bug with one seed after the other, until a run breaks a rule that it does not break without the bug, or the time is used up. */
export async function searchBug(bug: PlantedBug, options: SearchOptions): Promise<Search> {
  const child = createChild({ WAKELOG_PLANTED: bug.name }, ['--import', PLANT]);
  let [cpuMs, runs] = [0, 0];
  try {
    for (const trial of trialsOf(bug, options, () => cpuMs)) {
      const plan = planOf(trial);
      const outcome = await child.run(plan);
      runs += 1;
      // No rule is broken by it: most likely its text is not there any more.
      if (outcome.kind === 'died') throw new Error(`${bug.name}: ${outcome.text}`);
      cpuMs += outcome.kind === 'ran' ? outcome.cpuMs : HANG_CPU_MS;
      const failure = failureOf(outcome);
      if (failure === undefined) continue;
      const found: Found = { ...trial, ...wordsOf(failure) };
      if (await options.isBrokenAnyway(plan)) continue;
      return { bug, found, cpuMs, runs };
    }
    return { bug, found: undefined, cpuMs, runs };
  } finally {
    child.end();
  }
}

function* trialsOf(bug: PlantedBug, { remembered, rememberedOnly, hinted, cpuMs }: SearchOptions, used: () => number): Generator<Trial> {
  if (remembered !== undefined) yield remembered;
  if (rememberedOnly) return;
  for (let seed = 1; used() < cpuMs; seed++) {
    const faults = hinted ? bug.faults : undefined;
    if (isSmall(planOf({ seed, faults }))) yield { seed, faults };
  }
}

function isSmall({ seed, faults, scale: { browsers, busyMs, actionMs } }: Plan): boolean {
  // Every clone is one machine more.
  const machines = browsers + faults.filter(({ kind }) => kind === 'clone-profile').length;
  return (machines * busyMs) / actionMs <= (seed % 8 === 0 ? MOST_ACTIONS_OF_SOME : MOST_ACTIONS);
}

function wordsOf({ rule, text }: Failure): { readonly rule: string; readonly text: string } {
  return { rule, text: (text.split('\n')[0] ?? '').slice(0, 300) };
}

/** A process that runs plans, one after the other. */
export interface RunsPlans {
  readonly run: (plan: Plan) => Promise<JobOutcome>;
  readonly end: () => void;
}

export function createChild(env: Readonly<Record<string, string>> = {}, imports: readonly string[] = []): RunsPlans {
  let child: ChildProcess | undefined;
  let runs = 0;

  function end(): void {
    child?.removeAllListeners();
    child?.kill('SIGKILL');
    child = undefined;
  }

  return {
    async run(plan) {
      if (++runs % RUNS_A_PROCESS === 0) end();
      child ??= fork(CHILD, { execArgv: ['--import', WORKBOX, ...imports], env: { ...process.env, ...env }, serialization: 'advanced' });
      const outcome = await askChild(child, { plan, times: 1, lines: 0 });
      if (outcome.kind !== 'ran') end();
      return outcome;
    },
    end,
  };
}

function askChild(child: ChildProcess, job: Job): Promise<JobOutcome> {
  return new Promise((resolve) => {
    const startedAt = cpuMsOf(child);
    const settle = (outcome: JobOutcome): void => {
      clearInterval(limit);
      child.removeAllListeners();
      resolve(outcome);
    };
    const limit = setInterval(() => {
      if (cpuMsOf(child) - startedAt > HANG_CPU_MS) settle({ kind: 'hang', seconds: HANG_CPU_MS / 1_000 });
    }, LOOK_EVERY_MS);
    child.on('message', (message: FromChild) => {
      if (message.kind === 'ran') settle(message);
    });
    child.on('exit', (code, signal) => settle({ kind: 'died', text: `its process ended by itself (${signal ?? code})` }));
    child.on('error', (error) => settle({ kind: 'died', text: error.message }));
    child.send(job);
  });
}

const MS_A_TICK = 10;

/** CPU time that a process has used so far: on a busy machine real time says nothing. */
function cpuMsOf({ pid }: ChildProcess): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) * MS_A_TICK;
  } catch {
    // Elsewhere than on Linux.
    return performance.now();
  }
}
