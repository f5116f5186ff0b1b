import { StorageFull } from '../../../core/log/row-store.ts';
import { conclude } from '../conclude.ts';
import type { StorageErrorName } from '../disk/calls.ts';
import { DiskFailed } from '../server/disk-gate.ts';
import type { Failure } from '../world/world.ts';
import type { Scenario } from './scenarios.ts';
import type { Stage } from './stage.ts';
import { createStage } from './stage.ts';

/** How a call fails: as browsers name it, or as a server's disk does it. */
export const FAILURE_KINDS: readonly StorageErrorName[] = ['UnknownError', 'QuotaExceededError', 'AbortError'];

export interface FailingCall {
  /** Counted from where the scenario begins to be played; 1 is the first. */
  readonly nth: number;
  readonly kind: StorageErrorName;
  /** Only calls of this group of call sites count. */
  readonly site?: string;
}

export interface ScenarioResult {
  readonly failure: Failure | undefined;
  /** Calls while it was played. */
  readonly calls: number;
  /** Group of call sites that the failing call was of; undefined when none failed. */
  readonly site: string | undefined;
  readonly sites: ReadonlyMap<string, number>;
}

const SEED = 11;

/** Plays a scenario with one failing call, or none; then faults end, and everything must be level and whole. */
export async function runScenario(scenario: Scenario, failing?: FailingCall): Promise<ScenarioResult> {
  const stage = createStage(SEED, scenario.scale);
  const { world } = stage.universe;
  await stage.pass(1_000);
  await scenario.before?.(stage);
  const counter = createCounter(scenario, stage);
  if (failing !== undefined) counter.arm(failing);
  await scenario.play(stage);
  const { calls, site, sites } = counter.read();
  if (world.failure() === undefined) await conclude(stage.universe);
  return { failure: world.failure(), calls, site, sites };
}

interface Counter {
  readonly arm: (failing: FailingCall) => void;
  readonly read: () => Pick<ScenarioResult, 'calls' | 'site' | 'sites'>;
}

function createCounter({ whose }: Scenario, stage: Stage): Counter {
  return whose === 'server' ? countServerCalls(stage) : countDeviceCalls(stage, whose);
}

function countDeviceCalls({ machine }: Stage, number: number): Counter {
  const { disk } = machine(number);
  const [before, sitesBefore] = [disk.calls(), new Map(disk.callSites())];
  const since = (): Map<string, number> =>
    new Map([...disk.callSites()].map(([site, count]) => [site, count - (sitesBefore.get(site) ?? 0)] as const).filter(([, count]) => count > 0));
  return {
    arm: ({ nth, kind, site }) => disk.failAfter(nth, kind, site),
    read: () => ({ calls: disk.calls() - before, site: disk.lastFailedSite(), sites: since() }),
  };
}

function countServerCalls({ universe }: Stage): Counter {
  const { disk } = universe.server;
  const before = disk.calls();
  return {
    arm: ({ nth, kind }) => disk.failNext(nth, kind === 'QuotaExceededError' ? new StorageFull() : new DiskFailed(kind)),
    read: () => ({ calls: disk.calls() - before, site: undefined, sites: new Map() }),
  };
}
