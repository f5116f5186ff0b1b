import type { HeadRow, RunRow } from '../../../core/log/row-store.ts';
import { databaseName } from '../../../sw/devices.ts';
import { intrusionsOf } from '../byzantine/intrusions.ts';
import type { Machine } from '../universe/machine.ts';
import type { ServerMachine } from '../universe/server-machine.ts';
import type { World } from '../world/world.ts';
import type { RawRecord } from '../disk/fake-internals.ts';
import { joinPieces } from './join-pieces.ts';
import { peek } from './peek.ts';
import { entriesOf } from './stored-log.ts';

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
  const { heads, runs, arrivals } = server.disk.rows(machine.scope.space);
  for (const [log, sequence] of JSON.parse(values.get('value:acknowledged') ?? '[]') as [string, number][]) {
    const head = heads.get(log)?.sequence;
    if (sequence > (head ?? -1)) world.fail('SYNC2', `${machine.name} takes ${sequence} of ${log} for durable; the server has ${head ?? 'none'}`);
    // Another entry that came to the same place is not the one that this device wrote.
    const own = printOf(rowsOf(read('runs')), log, sequence);
    const theirs = printOf([...(runs.get(log) ?? [])].map(({ log: name, first, bytes }) => ({ log: name, first, bytes })), log, sequence);
    if (own !== undefined && theirs !== undefined && own !== theirs) world.fail('SYNC2', `${machine.name} takes its ${sequence} of ${log} for durable; the server has another one`);
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

type Row = Pick<RunRow, 'log' | 'first' | 'bytes'>;

/** The rows of a browser's store, with the pieces that they lie in put together. */
function* rowsOf(records: readonly RawRecord[]): Generator<Row> {
  for (let i = 0; i < records.length; ) {
    const { key, value } = records[i] as RawRecord;
    const [log, first] = key as unknown as readonly [string, number];
    const pieces = [(value as { readonly piece: RunRow['bytes'] }).piece];
    for (i += 1; (records[i]?.key as readonly unknown[] | undefined)?.length === 3; i += 1) pieces.push(records[i]?.value as RunRow['bytes']);
    yield { log, first, bytes: pieces.length === 1 ? (pieces[0] as RunRow['bytes']) : joinPieces(pieces) };
  }
}

/** What tells an entry from any other at its place; undefined where it is not held. */
function printOf(rows: Iterable<Row>, log: string, sequence: number): string | undefined {
  let row: Row | undefined;
  for (const candidate of rows) if (candidate.log === log && candidate.first <= sequence && candidate.first >= (row?.first ?? 0)) row = candidate;
  return row === undefined ? undefined : entriesOf(row.bytes).get(sequence)?.print;
}
