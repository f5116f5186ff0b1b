import type { Machine } from '../universe/machine.ts';
import type { Universe } from '../universe/universe.ts';
import { browserRows, serverRows } from './rows.ts';
import { writesIn } from './stored-log.ts';

/** What takes data away, and from whom. */
export type Disaster =
  | { readonly kind: 'evict' | 'restore-profile' | 'power-cut'; readonly machine: Machine }
  | { readonly kind: 'server-restore' | 'server-power-cut' };

/**
 * Lets a disaster happen, and notes which writes went with it: those of which no copy is left anywhere. A power cut may take
 * nothing that its own machine acknowledged, and the server's none at all: what is missing after one was never durable,
 * so it is not noted, and is found missing in the end.
 */
export function noteDisaster(universe: Universe, disaster: Disaster, happen: () => void): void {
  const before = everywhere(universe);
  happen();
  const after = everywhere(universe);
  for (const number of before) {
    if (after.has(number)) continue;
    const write = universe.ledger.byNumber(number);
    if (write === undefined || write.gone !== undefined) continue;
    if (disaster.kind === 'server-power-cut') continue;
    if (disaster.kind === 'power-cut' && write.machine === disaster.machine.name) continue;
    write.gone = disaster.kind;
  }
}

/** Numbers of all writes of which there is a copy. */
function everywhere(universe: Universe): Set<number> {
  const found = new Set<number>();
  for (const machine of universe.machines) {
    const rows = browserRows(machine);
    if (rows !== undefined) for (const number of writesIn(rows)) found.add(number);
  }
  for (const space of universe.server.disk.spaceNames()) for (const number of writesIn(serverRows(universe, space))) found.add(number);
  return found;
}
