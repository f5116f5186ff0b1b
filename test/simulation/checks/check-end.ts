import type { FaultKind, Plan } from '../plan/plan.ts';
import type { Machine } from '../universe/machine.ts';
import type { Universe } from '../universe/universe.ts';
import type { Write } from './ledger.ts';
import type { RowsWithArrivals } from './rows.ts';
import { browserRows, serverRows } from './rows.ts';
import { readLogs } from './stored-log.ts';

/** What must hold once everybody says they are level: of the server's store and of each device's. */
export function checkEnd(universe: Universe): void {
  for (const machine of universe.machines) {
    const rows = browserRows(machine);
    if (rows === undefined) universe.world.fail('SYNC7', `${machine.name} says that it is level, and has no database`);
    else checkStore(universe, machine.name, machine.scope.space, rows);
  }
  for (const space of new Set(universe.machines.map(({ scope }) => scope.space))) {
    checkStore(universe, 'server', space, serverRows(universe, space));
  }
  checkSameEntries(universe);
}

function checkStore(universe: Universe, where: string, space: string, rows: RowsWithArrivals): void {
  const { world, ledger, plan } = universe;
  const found = countWrites(rows);
  for (const write of ledger.writes()) {
    if (write.scope.space !== space) continue;
    const { originals, origins, places } = found.get(write.number) ?? { originals: 0, origins: new Set<string>(), places: [] };
    const versions = Math.max(originals, origins.size);
    if (versions === 0 && isDue(write)) world.fail('S2.11', `${where} lacks write ${write.number}, which ${write.machine} acknowledged at ${write.acknowledgedAt}`);
    if (versions > 1) world.fail('CAP30', `${where} has write ${write.number} of ${write.machine} ${versions} times: ${places.join(', ')}`);
    if (versions > 0 && write.refused) world.fail('CAP1', `${where} has write ${write.number}, of which its user was told that it was not taken`);
  }
  if (!mayFork(plan) && rows.quarantined.length > 0) world.fail('LOG15', `${where} keeps a fork of ${rows.quarantined[0]?.log}, and everybody was honest`);
}

/**
 * Two machines with one profile may both write before they know of each other, and one whose canary was put back together with
 * its database, or emptied before, knows nothing of what it sent; nothing else makes an honest log fork.
 */
function mayFork({ faults }: Plan): boolean {
  const isEmptied = faults.some(({ kind }) => kind === 'evict');
  return faults.some((fault) => FORKING.has(fault.kind) || (fault.kind === 'restore-profile' && (fault.all || isEmptied)));
}

const FORKING: ReadonlySet<FaultKind> = new Set(['clone-profile', 'byzantine', 'lying-server']);

function isDue({ acknowledgedAt, gone }: Write): boolean {
  return acknowledgedAt !== undefined && gone === undefined;
}

/** Where a write lies in a store. */
interface Found {
  originals: number;
  readonly origins: Set<string>;
  readonly places: string[];
}

/** Of each write: entries that are no copy, and the origins that its copies name. A copy is the same version (design §3). */
function countWrites(rows: RowsWithArrivals): Map<number, Found> {
  const found = new Map<number, Found>();
  for (const [log, entries] of readLogs(rows)) {
    for (const [sequence, { writes, origin }] of entries) {
      for (const number of writes) {
        const of: Found = found.get(number) ?? { originals: 0, origins: new Set(), places: [] };
        found.set(number, of);
        of.places.push(`${sequence} of ${log.slice(0, 8)}${origin === undefined ? '' : ` from ${origin.slice(0, 8)}`}`);
        if (origin === undefined) of.originals += 1;
        else of.origins.add(origin);
      }
    }
  }
  return found;
}

/** One entry at each place of each log, the same one everywhere (LOG10, LOG15), and counters that grow (LOG1). */
function checkSameEntries(universe: Universe): void {
  const { world } = universe;
  const prints = new Map<string, { readonly print: string; readonly where: string }>();
  const note = (where: string, space: string, rows: RowsWithArrivals | undefined): void => {
    if (rows === undefined) return;
    for (const [log, entries] of readLogs(rows)) {
      let before = 0;
      for (const [sequence, { print, lamport }] of entries) {
        if (lamport <= before) world.fail('LOG1', `${where}: the lamport counter of ${sequence} of ${log} is ${lamport}, after ${before}`);
        before = lamport;
        const name = `${space} ${log} ${sequence}`;
        const known = prints.get(name);
        if (known === undefined) prints.set(name, { print, where });
        else if (known.print !== print && !print.endsWith('no body') && !known.print.endsWith('no body')) {
          world.fail('LOG15', `${where} and ${known.where} hold different entries ${sequence} of ${log}`);
        }
      }
    }
  };
  const spaces = new Set(universe.machines.map(({ scope }: Machine) => scope.space));
  for (const space of spaces) note('server', space, serverRows(universe, space));
  for (const machine of universe.machines) note(machine.name, machine.scope.space, browserRows(machine));
}
