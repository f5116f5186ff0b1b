import type { PageStatus } from '../../../core/protocol/page-messages.ts';
import { runAsWorld } from '../world/process.ts';
import { presentHeads } from '../checks/level.ts';
import type { Machine } from './machine.ts';
import type { Universe } from './universe.ts';

/** Once faults have stopped, every device is level within so long, whatever happened to it (virtual ms). */
export const LEVEL_WITHIN_MS = 1_200_000;
const LOOK_EVERY_MS = 7_000;
const MOST_WAITS = 3;

/** Ends every fault: the network is whole, everybody runs, disks have room. Clocks stay as wrong as they are. */
export function endFaults({ network, push, server, machines }: Universe): void {
  network.heal();
  push.heal();
  server.endStalls();
  server.allowWrites(true);
  server.disk.setRoom(Number.POSITIVE_INFINITY);
  server.disk.disarm();
  if (!server.isRunning()) server.start();
  for (const { browser, disk } of machines) {
    disk.setQuota(undefined);
    disk.disarm();
    browser.clock.frozenAt = undefined;
    if (!browser.isRunning()) browser.start();
  }
}

/** What a machine last said of itself. */
interface Word {
  status: PageStatus | undefined;
  /** So often in a row it was idle with something left to send. */
  waits: number;
  /** The status is of a moment after faults had ended. */
  isLevel: boolean;
}

/**
 * People come back, look, and wait: then everything must become level by itself (SYNC7). Resolves when it is, or fails the
 * run when it takes too long.
 */
export async function settle(universe: Universe): Promise<void> {
  const { world, machines } = universe;
  const began = world.now();
  const words = new Map<Machine, Word>();
  for (const machine of machines) {
    words.set(machine, { status: undefined, waits: 0, isLevel: false });
    look(universe, machine, words, began);
  }
  const isDone = (): boolean => machines.every((machine) => words.get(machine)?.isLevel === true) && areEqual(universe);
  await world.run(began + LEVEL_WITHIN_MS, isDone);
  if (world.failure() !== undefined || isDone()) return;
  const spaces = [...new Set(machines.map(({ scope }) => scope.space))];
  const said = [
    ...machines.map((machine) => `${machine.name} holds ${presentHeads(universe, machine)}`),
    ...spaces.map((space) => `the server holds ${presentHeads(universe, space)}`),
    ...machines.map((machine) => `${machine.name} says ${JSON.stringify(words.get(machine)?.status ?? 'nothing')}`),
  ];
  world.fail('SYNC7', `not level ${LEVEL_WITHIN_MS / 60_000} minutes after faults ended: ${said.join('; ')}`);
}

/** Somebody opens a page on the machine if there is none, and looks at its status now and then. */
function look(universe: Universe, machine: Machine, words: ReadonlyMap<Machine, Word>, began: number): void {
  const { world, plan } = universe;
  const word = words.get(machine);
  if (word === undefined) return;
  if (!machine.browser.isRunning()) machine.browser.start();
  const [tab = machine.openTab()] = machine.openTabs();
  // In every other world nobody asks for anything, and it must become level all the same.
  // Who was refused for a reason that has passed tries again with the next exchange, and not by itself (SYNC6).
  const wasRefused = plan.faults.some(({ kind }) => kind === 'forbid');
  const isPatient = world.seed % 2 === 1 && !wasRefused;
  tab.act(async (page) => {
    const status = await page.ask('status', tab.scope);
    runAsWorld(() => {
      word.waits = isWaiting(status) && !wasRefused ? word.waits + 1 : 0;
      if (word.waits > MOST_WAITS) world.fail('SYNC7', `${machine.name} has ${status.unsent} unsent entries, and does nothing about it`);
      word.status = status;
      word.isLevel = (status.connection === 'idle' || status.connection === 'live') && status.unsent === 0 && status.lastSynced !== null && world.now() > began;
    });
    await page.ask('accept', tab.scope);
    // A device whose entries nothing stands in the way of sends them unasked.
    if (!isPatient && !word.isLevel && (wasRefused || !isWaiting(status))) await page.ask('sync', { ...tab.scope, why: 'online' });
  });
  world.after(LOOK_EVERY_MS, 'somebody looks', () => look(universe, machine, words, began));
}

/** Idle, with entries to send that nobody refused. */
function isWaiting({ connection, unsent, atRisk }: PageStatus): boolean {
  return (connection === 'idle' || connection === 'live') && unsent > 0 && atRisk !== 'full';
}

function areEqual(universe: Universe): boolean {
  return universe.machines.every((machine) => presentHeads(universe, machine) === presentHeads(universe, machine.scope.space));
}
