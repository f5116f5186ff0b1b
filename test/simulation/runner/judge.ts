import type { Plan } from '../plan/plan.ts';
import type { Failure } from '../world/world.ts';
import type { JobOutcome, RunReport } from './job.ts';
import type { Pool } from './pool.ts';
import { shrinkPlan } from './shrink.ts';

/** Why runs of a plan are a failure; undefined: they are none. */
export function failureOf(outcome: JobOutcome): Failure | undefined {
  if (outcome.kind === 'hang')
    return { rule: 'HANG', text: `it did not end within ${outcome.seconds} s of a processor's time`, at: 0 };
  if (outcome.kind === 'died') return { rule: 'DIED', text: outcome.text, at: 0 };
  const broken = outcome.runs.find(({ failure }) => failure !== undefined)?.failure;
  return isSameTrace(outcome.runs)
    ? broken
    : {
        rule: 'DETERMINISM',
        text: `traces differ: ${outcome.runs.map(({ traceHash }) => traceHash).join(', ')}`,
        at: 0,
      };
}

function isSameTrace(runs: readonly RunReport[]): boolean {
  return new Set(runs.map(({ traceHash }) => traceHash)).size <= 1;
}

/**
 * Where two runs of one plan part: twice in the child that saw them part, and once in a new one, since what differs is
 * mostly what an earlier run left behind.
 */
export async function describeDifference(pool: Pool, plan: Plan, worker: number): Promise<string> {
  const used = await pool.run({ plan, times: 2, lines: 'all' }, worker);
  pool.refresh(worker);
  const fresh = await pool.run({ plan, times: 2, lines: 'all' }, worker);
  const traces = [fresh, used].flatMap((outcome) =>
    outcome.kind === 'ran' ? outcome.runs.map(({ traceLines }) => traceLines) : [],
  );
  return partingOf(traces) ?? '  four more runs went the same way: it depends on what ran before in the process';
}

/** The first line in which any of the traces differs from the first one, with what went before. */
export function partingOf([first = [], ...others]: readonly (readonly string[])[]): string | undefined {
  for (const other of others) {
    const longer = Math.max(first.length, other.length);
    let at = 0;
    while (at < longer && first[at] === other[at]) at += 1;
    if (at === longer) continue;
    const before = first.slice(Math.max(0, at - 5), at).map((line) => `    ${line}`);
    const [one, another] = [first[at] ?? '(the end)', other[at] ?? '(the end)'];
    return [`  they part at line ${at + 1}:`, ...before, `  - ${one}`, `  + ${another}`].join('\n');
  }
  return undefined;
}

const SHRINK_MS = 60_000;

/** A smaller plan that breaks the same rule. */
export async function shrinkFailure(pool: Pool, plan: Plan, rule: string, limitMs = SHRINK_MS): Promise<Plan> {
  const endAt = performance.now() + limitMs;
  const times = rule === 'DETERMINISM' ? 2 : 1;
  const stillFails = async (candidate: Plan): Promise<boolean> =>
    failureOf(await pool.run({ plan: candidate, times, lines: 0 }))?.rule === rule;
  return shrinkPlan(plan, stillFails, () => performance.now() < endAt);
}
