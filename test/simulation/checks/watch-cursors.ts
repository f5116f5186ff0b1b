import type { HeadRow } from '../../../core/log/row-store.ts';
import { databaseName } from '../../../sw/devices.ts';
import { intrusionsOf } from '../byzantine/intrusions.ts';
import type { Machine } from '../universe/machine.ts';
import type { ServerMachine } from '../universe/server-machine.ts';
import type { World } from '../world/world.ts';
import { peek } from './peek.ts';

interface Parts {
  readonly world: World;
  readonly server: ServerMachine;
}

/** Of what a cursor says was given, so much is looked for at each of its steps; all of it at crashes and in the end. */
const LAST_ARRIVALS = 64;

/** A device's cursor and what it takes for acknowledged are true in every moment in which they change, not only at crashes (SYNC2, SYNC3). */
export function watchCursors(parts: Parts, machine: Machine): void {
  const name = databaseName(machine.scope);
  machine.disk.onCommit(({ database, put }) => {
    if (database !== name || parts.world.failure() !== undefined) return;
    const changed = put.get('values') ?? [];
    if (changed.some(({ key }) => key === 'value:cursor' || key === 'value:acknowledged')) check(parts, machine);
  });
}

function check({ world, server }: Parts, machine: Machine): void {
  const read = peek(machine.disk, databaseName(machine.scope));
  // What a liar said of the server is not the server's word.
  if (read === undefined || intrusionsOf(world).isDeceiving()) return;
  const values = new Map(read('values').map(({ key, value }) => [key as string, value as string]));
  const text = values.get('value:cursor');
  if (text === undefined) return;
  const [epoch, position] = JSON.parse(text) as [string, number, string];
  if (epoch !== server.epochOf(machine.scope.space)) return;
  const { heads, arrivals } = server.disk.rows(machine.scope.space);
  for (const [log, sequence] of JSON.parse(values.get('value:acknowledged') ?? '[]') as [string, number][]) {
    const head = heads.get(log)?.sequence;
    if (sequence > (head ?? -1)) world.fail('SYNC2', `${machine.name} takes ${sequence} of ${log} for durable; the server has ${head ?? 'none'}`);
  }
  const last = arrivals.at(-1)?.position ?? 0;
  // The next entry to arrive would be passed over.
  if (position > last) world.fail('SYNC3', `${machine.name} has the cursor ${position}; the server's last position is ${last}`);
  if (values.has('value:lacking')) return;
  const forked = values.get('value:forked') ?? '';
  const held = new Map(read('heads').map(({ value }) => [(value as HeadRow).log, (value as HeadRow).sequence]));
  const end = arrivals.findLastIndex((arrival) => arrival.position <= position) + 1;
  for (const arrival of arrivals.slice(Math.max(0, end - LAST_ARRIVALS), end)) {
    if (arrival.last <= (held.get(arrival.log) ?? -1) || forked.includes(arrival.log)) continue;
    return world.fail('SYNC3', `${machine.name} takes the cursor ${position} and lacks ${arrival.last} of ${arrival.log}, which arrived at ${arrival.position}`);
  }
}
