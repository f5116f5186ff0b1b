import type { FaultKind } from '../plan/plan.ts';
import { runAsWorld } from '../world/process.ts';
import { startUser, burst } from '../workload/user.ts';
import { enablePush } from '../workload/push.ts';
import type { SimTab } from '../browser/sim-tab.ts';
import type { Machine } from './machine.ts';
import type { Universe } from './universe.ts';

/** Tabs that one person has open at most, bursts apart. */
const MOST_TABS = 3;

/** People open tabs, work in them, and close them, until time is up. */
export function startPeople(universe: Universe, machine: Machine): void {
  const { world, plan } = universe;
  const random = machine.random.fork('people');
  const { busyMs } = plan.scale;
  const visit = (): void => {
    if (world.now() > busyMs) return;
    if (machine.browser.isRunning() && machine.openTabs().length < MOST_TABS) openWithUser(universe, machine);
    world.after(busyMs * random.between(0.02, 0.3), 'somebody comes', visit);
  };
  const leave = (): void => {
    if (world.now() > busyMs) return;
    const [first] = machine.openTabs();
    if (first !== undefined && random.chance(0.5)) first.close();
    world.after(busyMs * random.between(0.05, 0.4), 'somebody leaves', leave);
  };
  world.after(random.between(0, busyMs * 0.02), 'somebody comes', visit);
  world.after(busyMs * random.between(0.05, 0.4), 'somebody leaves', leave);
}

/** A tab and its user. */
export function openWithUser(universe: Universe, machine: Machine): SimTab {
  const { scale } = universe.plan;
  const tab = machine.openTab();
  startUser(userOf(universe, machine, tab));
  if (scale.push && machine.random.chance(0.5)) tab.act((page) => enablePush(page, tab));
  return tab;
}

/** Many tabs at once, each of which writes as soon as it can. */
export function openBurst(universe: Universe, machine: Machine, tabs: number, writes: number, overMs = 0): void {
  runAsWorld(() => {
    for (let i = 0; i < tabs; i++) {
      const tab = machine.openTab();
      burst(userOf(universe, machine, tab), writes, overMs);
      universe.world.after(60_000, 'a burst ends', tab.close);
    }
  });
}

function userOf({ world, ledger, plan, acknowledgements }: Universe, machine: Machine, tab: SimTab): Parameters<typeof startUser>[0] {
  const { keys, bulk = false, actionMs, busyMs, validator, browsers } = plan.scale;
  const seesOwnWrites = !validator && !plan.faults.some(({ kind }) => FORGETFUL.has(kind));
  const showsAllOwn = !validator && !plan.faults.some(({ kind }) => SETTING_BACK.has(kind));
  const isAlone = seesOwnWrites && browsers === 1;
  return { world, ledger, tab, keys, bulk, actionMs, untilMs: busyMs, random: machine.random.fork(tab.client.id), seesOwnWrites, showsAllOwn, isAlone, onAcknowledged: acknowledgements.check };
}

/** After these, or during them, a device may lack what it once acknowledged itself, for good or until it has it from the server. */
const SETTING_BACK: ReadonlySet<FaultKind> = new Set(['evict', 'restore-profile', 'clone-profile', 'update-worker', 'disk-error', 'byzantine', 'lying-server']);

/**
 * After these a device may know less than it once displayed, or two know different things: entries of others are stored so
 * that a power cut may take them, and two versions of a worker each read on their own.
 */
const FORGETFUL: ReadonlySet<FaultKind> = new Set(['power-cut', 'evict', 'restore-profile', 'clone-profile', 'update-worker', 'byzantine', 'lying-server']);
