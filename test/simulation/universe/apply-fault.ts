import { noteDisaster } from '../checks/disaster.ts';
import { checkStores } from '../checks/check-stores.ts';
import type { Fault, MachineFault, WorldFault } from '../plan/plan.ts';
import { actByzantine } from '../byzantine/act.ts';
import { startLying } from '../byzantine/liar.ts';
import { ORIGIN } from '../workload/worker-options.ts';
import type { Machine } from './machine.ts';
import { openBurst, startPeople } from './people.ts';
import type { Universe } from './universe.ts';

/** Has what a plan says happen, at its moment. */
export function applyFault(universe: Universe, fault: Fault): void {
  universe.world.trace(`fault ${JSON.stringify(fault)}`);
  if (isOfMachine(fault)) {
    const machine = universe.machines[fault.browser % universe.machines.length];
    if (machine !== undefined) whenItStrikes(universe, fault, machine, () => applyToMachine(universe, machine, fault));
  } else {
    whenItStrikes(universe, fault, undefined, () => applyToWorld(universe, fault));
  }
}

/** At once, or between two events of the machine's store (undefined: the server's). Nothing strikes once people have gone. */
function whenItStrikes({ world, plan, server }: Universe, { after }: Fault, machine: Machine | undefined, strike: () => void): void {
  if (after === undefined) return strike();
  const isTime = (): boolean => world.now() < plan.scale.busyMs;
  const soon = (): void =>
    void world.after(after.lateMs, 'a strike', () => {
      if (isTime()) strike();
    });
  if (machine === undefined) return server.disk.onCall(after.commits, soon);
  let commits = 0;
  const stop = machine.disk.onCommit(() => {
    commits += 1;
    if (commits < after.commits && isTime()) return;
    stop();
    soon();
  });
}

function isOfMachine(fault: Fault): fault is MachineFault & { readonly browser: number } {
  return 'browser' in fault && fault.browser !== undefined;
}

function applyToMachine(universe: Universe, machine: Machine, fault: MachineFault): void {
  const { world, network } = universe;
  const { browser, disk } = machine;
  const later = (delayMs: number, label: string, task: () => void): void => void world.after(delayMs, label, task);
  switch (fault.kind) {
    case 'stop-worker':
      return browser.stopWorker();
    case 'update-worker':
      return browser.updateWorker();
    case 'kill-browser':
      return shutDown(universe, machine, fault.downMs, () => {
        if (fault.torn === true) disk.tear();
      });
    case 'power-cut':
      return shutDown(universe, machine, fault.downMs, () => noteDisaster(universe, { kind: 'power-cut', machine }, () => disk.powerCut()));
    case 'evict':
      return evict(universe, machine);
    case 'save-profile':
      machine.saved = { disk: disk.snapshot(), caches: machine.caches.snapshot() };
      return;
    case 'restore-profile':
      return restoreProfile(universe, machine, fault.downMs, fault.all);
    case 'clone-profile': {
      const twin = universe.addMachine(machine.scope, disk.clone(`browser-${universe.machines.length}`));
      twin.caches.restore(machine.caches.snapshot());
      return startPeople(universe, twin);
    }
    case 'quota':
      disk.setQuota(disk.usedBytes() + fault.spareBytes);
      return later(fault.forMs, 'room again', () => disk.setQuota(undefined));
    case 'disk-error':
      return disk.failAfter(fault.afterCalls + 1, 'UnknownError');
    case 'disk-stall':
      return disk.stall(fault.forMs);
    case 'clock-jump':
      browser.clock.offsetMs += fault.byMs;
      return;
    case 'clock-freeze':
      browser.clock.frozenAt = browser.wallClock();
      return later(fault.forMs, 'clock runs again', () => {
        browser.clock.frozenAt = undefined;
      });
    case 'tab-burst':
      return browser.isRunning() ? openBurst(universe, machine, fault.tabs, fault.writes, fault.overMs) : undefined;
    case 'network':
      return meetNetworkFault(universe, machine.name, fault);
    case 'partition':
      network.partition(machine.name, ORIGIN);
      return later(fault.forMs, 'partition ends', () => network.mend(machine.name, ORIGIN));
    case 'lying-server':
      return startLying(universe, machine, fault);
    case 'forged-push':
      return universe.push.forge(machine.name, 'not from us');
    default:
      throw new Error(`${(fault satisfies never as Fault).kind} is no fault of a machine's`);
  }
}

function applyToWorld(universe: Universe, fault: WorldFault): void {
  const { world, server, push } = universe;
  switch (fault.kind) {
    case 'network':
      return meetNetworkFault(universe, '*', fault);
    case 'server-kill':
      server.kill();
      world.after(fault.downMs, 'server starts', server.start);
      return;
    case 'server-power-cut':
      server.kill();
      noteDisaster(universe, { kind: 'server-power-cut' }, () => server.disk.powerCut());
      checkStores(universe);
      world.after(fault.downMs, 'server starts', server.start);
      return;
    case 'server-stall':
      return server.stall(fault.forMs);
    case 'server-save':
      server.save();
      return;
    case 'server-restore':
      server.kill();
      noteDisaster(universe, { kind: 'server-restore' }, server.restore);
      world.after(fault.downMs, 'server starts', server.start);
      return;
    case 'server-disk-error':
      return server.disk.failNext(fault.afterCalls + 1);
    case 'server-full':
      server.disk.setRoom(server.disk.usedBytes() + fault.spareBytes);
      world.after(fault.forMs, 'server has room', () => server.disk.setRoom(Number.POSITIVE_INFINITY));
      return;
    case 'forbid':
      server.allowWrites(false);
      world.after(fault.forMs, 'people may write again', () => server.allowWrites(true));
      return;
    case 'server-clock-jump':
      server.clock.offsetMs += fault.byMs;
      return;
    case 'push':
      push.setFault('*', fault.fault);
      world.after(fault.forMs, 'pushes arrive again', () => push.setFault('*', undefined));
      return;
    case 'byzantine':
      return actByzantine(universe, fault.act);
    default:
      throw new Error(`${(fault satisfies never as Fault).kind} is no fault of the world's`);
  }
}

function meetNetworkFault({ network, world }: Universe, machine: string, { fault, forMs }: Extract<Fault, { kind: 'network' }>): void {
  network.setFault(machine, ORIGIN, fault);
  world.after(forMs, 'network is well', () => network.setFault(machine, ORIGIN, undefined));
}

/** The browser goes down, something may happen to its disk meanwhile, and it comes back. */
function shutDown(universe: Universe, { browser }: Machine, downMs: number, meanwhile: () => void = () => {}): void {
  browser.kill();
  meanwhile();
  checkStores(universe);
  universe.world.after(downMs, 'browser starts', () => {
    if (!browser.isRunning()) browser.start();
  });
}

function evict(universe: Universe, machine: Machine): void {
  universe.push.forget(machine.name);
  noteDisaster(universe, { kind: 'evict', machine }, () => {
    machine.disk.evict();
    machine.caches.clear();
  });
}

function restoreProfile(universe: Universe, machine: Machine, downMs: number, all: boolean): void {
  const { saved } = machine;
  if (saved === undefined) return;
  shutDown(universe, machine, downMs, () =>
    noteDisaster(universe, { kind: 'restore-profile', machine }, () => {
      machine.disk.restore(saved.disk);
      if (all) machine.caches.restore(saved.caches);
    }),
  );
}

