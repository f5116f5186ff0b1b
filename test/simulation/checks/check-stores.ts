import { intrusionsOf } from '../byzantine/intrusions.ts';
import type { Machine } from '../universe/machine.ts';
import type { Universe } from '../universe/universe.ts';
import type { World } from '../world/world.ts';
import type { RowsWithArrivals } from './rows.ts';
import { browserRows, serverRows } from './rows.ts';
import type { StoredLogs } from './stored-log.ts';
import { readLogs } from './stored-log.ts';

/**
 * What must hold of the disks at every moment, whoever runs or has just been killed. Read from outside, so that no program
 * can hide anything.
 */
export function checkStores(universe: Universe): void {
  for (const machine of universe.machines) checkMachine(universe, machine);
  for (const space of universe.server.disk.spaceNames()) checkShape(universe, 'server', serverRows(universe, space));
}

export function checkMachine(universe: Universe, machine: Machine): void {
  const rows = browserRows(machine);
  if (rows === undefined) return;
  checkShape(universe, machine.name, rows);
  checkAgainstServer(universe, machine, rows, serverRows(universe, machine.scope.space));
}

/**
 * Each log is whole from its first entry to its head, since nothing is pruned here: no gap, no overlap, rows and head agree
 * (LOG13). And everything is met by whoever reads by position (SYNC3).
 */
function checkShape({ world }: Universe, where: string, { heads, runs, arrivals }: RowsWithArrivals): void {
  const ends = new Map<string, number>();
  for (const { log, first, count } of runs.toSorted((a, b) => (a.log === b.log ? a.first - b.first : a.log < b.log ? -1 : 1))) {
    const expected = ends.get(log);
    if (first !== (expected ?? 0)) world.fail('LOG13', `${where}: ${log} goes from ${(expected ?? 0) - 1} to ${first}`);
    ends.set(log, first + count);
  }
  for (const { log, sequence } of heads) {
    if (ends.get(log) !== sequence + 1) world.fail('LOG13', `${where}: the head of ${log} is ${sequence}, its rows end before ${ends.get(log)}`);
    ends.delete(log);
  }
  for (const log of ends.keys()) world.fail('LOG13', `${where}: rows of ${log} without a head`);
  checkArrivals(world, where, heads, arrivals);
}

/** Positions grow, and every entry has one. */
function checkArrivals(world: World, where: string, heads: RowsWithArrivals['heads'], arrivals: RowsWithArrivals['arrivals']): void {
  let before = 0;
  const reached = new Map<string, number>();
  for (const { position, log, first, last } of arrivals) {
    if (position <= before) world.fail('SYNC3', `${where}: position ${position} comes after ${before}`);
    before = position;
    // A log that was taken anew arrives from its beginning.
    if (first <= (reached.get(log) ?? -1) + 1) reached.set(log, Math.max(last, reached.get(log) ?? -1));
  }
  for (const { log, sequence } of heads) {
    if ((reached.get(log) ?? -1) < sequence) world.fail('SYNC3', `${where}: ${(reached.get(log) ?? -1) + 1} of ${log} is stored, and has no position`);
  }
}

/** The server's words are true: what it acknowledged, and what its cursor says was given, is there (SYNC2, SYNC3). */
function checkAgainstServer(universe: Universe, machine: Machine, rows: RowsWithArrivals, server: RowsWithArrivals): void {
  const { world } = universe;
  const text = rows.values.get('value:cursor');
  // What a liar said of the server is not the server's word.
  if (text === undefined || intrusionsOf(world).isDeceiving()) return;
  const [epoch, position] = JSON.parse(text) as [string, number, string];
  if (epoch !== universe.server.epochOf(machine.scope.space)) return;
  const heads = new Map(server.heads.map(({ log, sequence }) => [log, sequence]));
  for (const [log, sequence] of JSON.parse(rows.values.get('value:acknowledged') ?? '[]') as [string, number][]) {
    if (sequence > (heads.get(log) ?? -1)) {
      world.fail('SYNC2', `${machine.name} was told that ${sequence} of ${log} is durable; the server has ${heads.get(log) ?? 'none'}`);
    }
  }
  // A position that the server never had is one at which the next entry is passed over.
  if (position > (server.arrivals.at(-1)?.position ?? 0)) world.fail('SYNC3', `${machine.name} has the cursor ${position}; the server's last position is ${server.arrivals.at(-1)?.position ?? 0}`);
  const own = readLogs(rows);
  for (const arrival of server.arrivals) {
    if (arrival.position > position) continue;
    const lacking = firstLacking(own, arrival.log, arrival.first, arrival.last);
    if (lacking === undefined || mayLack(rows, arrival.log)) continue;
    world.fail('SYNC3', `${machine.name} has the cursor ${position} and lacks ${lacking} of ${arrival.log}, which arrived at ${arrival.position}`);
    return;
  }
}

function firstLacking(logs: StoredLogs, log: string, first: number, last: number): number | undefined {
  const held = logs.get(log);
  for (let sequence = first; sequence <= last; sequence++) if (held?.has(sequence) !== true) return sequence;
  return undefined;
}

/** A log of which this device knows that it must take it anew, or that it could not take something. */
function mayLack(rows: RowsWithArrivals, log: string): boolean {
  return rows.values.has('value:lacking') || (rows.values.get('value:forked') ?? '').includes(log);
}
