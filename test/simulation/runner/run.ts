import { writeFileSync } from 'node:fs';
import { summaryLine } from '../../../scripts/summary.mjs';
import { createCampaign } from './campaign.ts';
import { HELP, readOptions } from './options.ts';
import type { RunnerOptions } from './options.ts';
import { createPool } from './pool.ts';
import { createProgress } from './progress.ts';
import { readSoakState, writeSoakState } from './soak-state.ts';
import { tasksOf } from './source.ts';
import { count, createTally, describeTally } from './tally.ts';
import type { Tally } from './tally.ts';

/** What CI goes on to, in steps of first runs; when time is up before, repeated ones are counted in, and it says so. */
const CI_STEPS = 2_000_000;
/** A machine that others use may be slow: so few say that something else is wrong. */
const FEWEST_CI_STEPS = CI_STEPS / 10;

/** `npm run simulate`. Resolves to the exit code: 1 when anything failed. */
async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(args);
  if (typeof options === 'string' || options.help) {
    console.log(typeof options === 'string' ? `${options}\n\n${HELP}` : HELP);
    return typeof options === 'string' ? 2 : 0;
  }
  const keepsState = options.resume || options.soak;
  const stateName = options.faults?.join('+') ?? 'all';
  const earlier = options.resume ? readSoakState(stateName) : undefined;
  const tally = earlier?.tally ?? createTally();
  announce(options, earlier !== undefined);

  const pool = createPool(Math.max(1, options.processes));
  const progress = createProgress(tally);
  const startedAt = performance.now();
  const realMsBefore = tally.realMs;
  let stopping = false;
  const campaign = createCampaign({
    pool,
    options,
    tally,
    progress,
    earlier,
    isOver: () =>
      stopping || performance.now() - startedAt > options.minutes * 60_000 || (options.ci && tally.steps >= CI_STEPS),
    onTask() {
      tally.realMs = realMsBefore + performance.now() - startedAt;
      progress.show();
      if (keepsState) writeSoakState(stateName, { tally, done: campaign.done(), failed: campaign.failed() });
    },
  });
  process.on('SIGINT', () => {
    if (stopping) process.exit(130);
    stopping = true;
    progress.say('stopping after the runs that are under way (again: at once)');
  });
  await campaign.run(tasksOf(options));
  pool.close();
  progress.end();
  return report(options, campaign.failed(), tally);
}

function announce(options: RunnerOptions, resumes: boolean): void {
  if (options.ci) console.log(`known bad seeds, then from ${options.from} on, until ${count(CI_STEPS)} steps`);
  if (options.resume)
    console.log(
      resumes
        ? 'going on where an earlier run was stopped; its figures are counted in'
        : 'nothing to go on with: from the beginning',
    );
}

function report(options: RunnerOptions, failed: readonly string[], tally: Tally): number {
  console.log(`\n${describeTally(tally)}`);
  for (const name of failed) console.log(`failed: ${name}`);
  const isShort = options.ci && tally.allSteps < FEWEST_CI_STEPS;
  if (options.ci) console.log(`the dose is ${count(CI_STEPS)} steps: ${describeDose(tally)}`);
  const counts = { passed: tally.plans - tally.failures, failed: tally.failures, skipped: isShort ? 1 : 0 };
  const file = process.env['WAKELOG_SIMULATE_JSON'];
  if (file !== undefined) writeFileSync(file, JSON.stringify(counts));
  console.log(`\n${summaryLine(counts)}`);
  return tally.failures === 0 ? 0 : 1;
}

function describeDose({ steps, allSteps }: Tally): string {
  if (steps >= CI_STEPS) return `${count(steps)} of first runs alone`;
  const both = `${count(allSteps)} of first and repeated runs (${count(steps)} of first ones) when time was up`;
  if (allSteps >= CI_STEPS) return both;
  return allSteps < FEWEST_CI_STEPS ? `${both}: far too few, counted as skipped` : `${both}: a slow machine`;
}

process.exitCode = await main(process.argv.slice(2));
