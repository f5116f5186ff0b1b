import { FORGED } from '../byzantine/forge.ts';
import { intrusionsOf } from '../byzantine/intrusions.ts';
import type { Universe } from '../universe/universe.ts';
import { peek } from './peek.ts';
import { databaseName } from '../../../sw/devices.ts';
import { browserRows, serverRows } from './rows.ts';
import type { RowsWithArrivals } from './rows.ts';

/** An entry whose bytes prove nothing, or that nobody allowed, is in no store, not among evidence either, and in no view (LOG8). */
export function checkForged(universe: Universe): void {
  const { world, machines } = universe;
  if (intrusionsOf(world).offers().every(({ forged }) => !forged)) return;
  const look = (where: string, rows: RowsWithArrivals | undefined): void => {
    for (const { log, first, bytes } of [...(rows?.runs ?? []), ...(rows?.quarantined ?? [])]) {
      const found = forgedIn(bytes);
      if (found !== undefined) world.fail('LOG8', `${where} took a forged entry, in ${log} from ${first}: ${found}`);
    }
  };
  for (const machine of machines) {
    look(machine.name, browserRows(machine));
    const read = peek(machine.disk, databaseName(machine.scope));
    for (const { key, value } of read?.('shards') ?? []) {
      const text = value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : JSON.stringify(value);
      if (text.includes('forged')) world.fail('LOG8', `${machine.name} shows a forged entry at ${JSON.stringify(key)}`);
    }
  }
  for (const space of universe.server.disk.spaceNames()) look('server', serverRows(universe, space));
}

function forgedIn(bytes: Uint8Array): string | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const at = buffer.indexOf(FORGED);
  return at === -1 ? undefined : buffer.toString('latin1', at, at + 60);
}
