import type { Plan } from '../plan/plan.ts';
import type { RunReport } from './job.ts';

/** What all runs together came to; plain data, so that a soak can be put aside and gone on with. */
export interface Tally {
  /** Plans that were run, each counted once however often it was. */
  plans: number;
  /** Of first runs alone: a repeated one proves that nothing is left to chance, and nothing else. */
  steps: number;
  events: number;
  virtualMs: number;
  /** Steps of first runs and repeated ones. */
  allSteps: number;
  cpuMs: number;
  realMs: number;
  /** Plans that were run twice in one process, and ones that were run in another process too. */
  twice: number;
  elsewhere: number;
  asked: number;
  acknowledged: number;
  goneWithADisk: number;
  failures: number;
  readonly faults: Record<string, number>;
}

export function createTally(): Tally {
  return {
    plans: 0,
    steps: 0,
    events: 0,
    virtualMs: 0,
    allSteps: 0,
    cpuMs: 0,
    realMs: 0,
    twice: 0,
    elsewhere: 0,
    asked: 0,
    acknowledged: 0,
    goneWithADisk: 0,
    failures: 0,
    faults: {},
  };
}

/** Adds the runs of one plan. */
export function addRuns(tally: Tally, plan: Plan, runs: readonly RunReport[]): void {
  const [first] = runs;
  if (first === undefined) return;
  tally.plans += 1;
  tally.steps += first.steps;
  tally.events += first.events;
  tally.virtualMs += first.ranMs;
  for (const run of runs) tally.allSteps += run.steps;
  if (runs.length > 1) tally.twice += 1;
  tally.asked += first.writes.asked;
  tally.acknowledged += first.writes.acknowledged;
  tally.goneWithADisk += first.writes.goneWithADisk;
  for (const fault of plan.faults) {
    if (fault.atMs > first.ranMs) continue;
    const name =
      'fault' in fault
        ? `${fault.kind} ${fault.fault.kind}`
        : 'act' in fault
          ? `${fault.kind} ${fault.act}`
          : fault.kind;
    tally.faults[name] = (tally.faults[name] ?? 0) + 1;
  }
}

/** The figures, as they are printed in the end. */
export function describeTally(tally: Tally): string {
  const faults = Object.entries(tally.faults).toSorted(([, a], [, b]) => b - a);
  const injected = faults.reduce((sum, [, count]) => sum + count, 0);
  const rows: readonly (readonly [string, string])[] = [
    [
      'seeds and plans',
      `${count(tally.plans)}; run twice in one process: ${count(tally.twice)}, in another process too: ${count(tally.elsewhere)}`,
    ],
    ['steps', `${count(tally.steps)} (first runs only; with repeated ones ${count(tally.allSteps)})`],
    ['events', count(tally.events)],
    ['virtual hours', (tally.virtualMs / 3_600_000).toFixed(1)],
    ['faults injected', count(injected)],
    ...faults.map(([kind, times]) => [`  ${kind}`, count(times)] as const),
    ['writes asked for', count(tally.asked)],
    ['writes acknowledged', count(tally.acknowledged)],
    ['gone with a disk', count(tally.goneWithADisk)],
    ['broken invariants', count(tally.failures)],
    [
      'steps/s',
      `${count((tally.allSteps * 1_000) / Math.max(1, tally.realMs))} (a second of CPU: ${count((tally.allSteps * 1_000) / Math.max(1, tally.cpuMs))})`,
    ],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
}

export function count(value: number): string {
  return Math.round(value).toLocaleString('en');
}
