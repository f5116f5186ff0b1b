import type { Plan } from '../plan/plan.ts';
import { runPlan } from '../run-plan.ts';
import type { FromChild, Job, RunReport } from './job.ts';

/*
 * Runs plans for its parent, one after the other. A process of its own: globals are replaced in it, and a run that never
 * ends can be killed.
 */

/** What nobody awaited and what failed, of the run that is going on. */
let orphans: string[] = [];
process.on('unhandledRejection', (error) =>
  orphans.push(error instanceof Error ? (error.stack ?? error.message) : String(error)),
);

async function run({ plan, times, lines }: Job): Promise<FromChild> {
  const before = process.cpuUsage();
  const runs: RunReport[] = [];
  for (let i = 0; i < times; i++) {
    tell({ kind: 'begins' });
    orphans = [];
    const report = await runOnce(plan, lines === 'all' ? Infinity : lines);
    runs.push(
      report.failure === undefined
        ? report
        : { ...report, failure: { ...report.failure, text: report.failure.text + aboutOrphans() } },
    );
  }
  const { user, system } = process.cpuUsage(before);
  return { kind: 'ran', runs, cpuMs: (user + system) / 1_000 };
}

/** A simulator that fails is a failure too: of the checkers, mostly, which nobody checks but their runs. */
async function runOnce(plan: Plan, keptLines: number): Promise<RunReport> {
  try {
    const { plan: _plan, ...report } = await runPlan(plan, { keptLines });
    return report;
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const nothing = { asked: 0, acknowledged: 0, goneWithADisk: 0 };
    return {
      failure: { rule: 'crash', text, at: 0 },
      steps: 0,
      events: 0,
      ranMs: 0,
      traceHash: 'none',
      traceLines: [],
      writes: nothing,
    };
  }
}

/** A rejection that nobody awaits is no fault of a worker's by itself; beside a failure it may be its cause. */
function aboutOrphans(): string {
  return orphans.length === 0 ? '' : `\n  (${orphans.length} rejections that nobody awaited, the first: ${orphans[0]})`;
}

function tell(message: FromChild): void {
  process.send?.(message);
}

process.on('message', (job: Job) => void run(job).then(tell));
process.on('disconnect', () => process.exit(0));
