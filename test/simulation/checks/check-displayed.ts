import type { Replica } from '../../../core/engine/replica.ts';
import type { Universe } from '../universe/universe.ts';
import type { RowsWithArrivals } from './rows.ts';
import { readLogs } from './stored-log.ts';

/**
 * What is displayed of a key is the live version whose entry has the greatest counter, and no clock is asked (VIEW4): the counters
 * are read from the entries, and not taken from the view.
 */
export async function checkDisplayed({ world }: Universe, where: string, replica: Replica, rows: RowsWithArrivals): Promise<void> {
  const logs = readLogs(rows);
  for (const { key, live } of await replica.view.items('')) {
    const lamports = live.map(({ log, sequence }) => logs.get(log)?.get(sequence)?.lamport ?? 0);
    const greatest = Math.max(...lamports);
    if (live.length > 0 && lamports[0] !== greatest) {
      world.fail('VIEW4', `${where} displays of ${key} a version with the counter ${lamports[0]}, and one with ${greatest} is live`);
    }
  }
}
